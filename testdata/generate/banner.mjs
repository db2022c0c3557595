// Consent management platforms that export what visitors clicked.
import { Chance, Truth, person, mess, iso, csv, json, zip, save } from './lib.mjs';

export function usercentrics(name) {
  const c = new Chance(name), truth = new Truth();
  const services = { H1Vl5NidjWX: 'google-analytics', BJ59EidsWQ: 'youtube', 'S1_9Vsuj-Q': 'facebook-pixel' }, essential = 'H1WIoN9oZ7';
  const rows = [['Controller ID', 'Timestamp', 'CMP Configuration ID', 'CMP Configuration Version', 'Consent Action', 'Data Processing Service ID', 'Data Processing Service Version', 'Consent Given', 'Consent String\n']];
  for (let n = 1; n <= 50; n++) {
    const id = c.hex(64);
    let at = c.time(2024) + c.int(0, 999);
    for (let k = c.int(1, 3); k > 0; k--, at += c.int(1, 90) * 86400000) {
      const act = c.weighted({ onInitialPageLoad: 25, onAcceptAllServices: 25, onDenyAllServices: 20, onUpdateServices: 15, onNonEURegion: 4, onSessionRestored: 6, onEssentialChange: 3, onTcfStringChange: 2, onMobileSessionRestore: 2 });
      const explicit = ['onAcceptAllServices', 'onDenyAllServices', 'onUpdateServices'].includes(act);
      for (const service of [...Object.keys(services), essential]) {
        // essential services stay true whatever was clicked
        const given = service === essential || act === 'onAcceptAllServices' || (act === 'onDenyAllServices' ? false : c.is(0.5));
        const bad = explicit && service !== essential && c.is(0.01);
        rows.push([id, at, 'xY3kP9', '3.14.2', act, service, c.pick(['1.0.3', '23.4.1']), bad ? c.pick(['partly', 'n/a']) : given ? 'true' : 'false', '']);
        if (explicit && service !== essential && !bad) truth.says({ action: given ? 'accept' : 'reject', timestamp: at, source: 'usercentrics', category: services[service], profileId: id, sourceId: '12' });
      }
    }
  }
  const map = Object.entries(services).map(([k, v]) => `${k}=${v}`).join(',');
  save(name, { 'export.csv': csv(rows, { always: true }) }, truth, [`--set=services=${map}`, `--set=essential=${essential}`, '--set=sourceId=12']);
}

export function ccm19(name) {
  const c = new Chance(name), truth = new Truth();
  const purposes = { '1': 'Technisch notwendig', '2': 'Analyse', '3': 'Personalisierung', '5': 'Marketing & Werbung' };
  const category = { '2': 'analytics', '3': 'personalisation', '5': 'marketing' };
  const month = (from, to) => Array.from({ length: to - from + 1 }, () => {
    const ucid = c.hex(64), at = c.time(2020, 2024), consent = c.is(0.7);
    const taken = Object.keys(purposes).filter(k => k === '1' || consent && c.is(0.6));
    const stray = c.is(0.02);                       // a purpose that the user has not named
    for (const k of Object.keys(category)) if (!stray) truth.says({ action: taken.includes(k) ? 'accept' : 'reject', timestamp: at, source: 'ccm19', category: category[k], profileId: ucid, sourceId: '9007199254740993' });
    return { consent, ucid, timestamp: at / 1000, purposes: Object.fromEntries([...taken.map(k => [k, purposes[k]]), ...(stray ? [['77', 'Neu']] : [])]), embeddings: consent ? { '12': 'Google Maps' } : {}, manipulationPrevention: c.is(0.9) };
  });
  save(name, { 'export.2024-01.json': json(month(1, 90), 1) + '\n', 'export.2024-02.jsonl': month(91, 150).map(x => json(x)).join('\n') + '\n' }, truth,
    ['--set=categories=analytics=2,personalisation=3,marketing=5', '--set=essential=1', '--set=sourceId=9007199254740993']);
}

export function huManity(name) {
  const c = new Chance(name), truth = new Truth();
  const optional = ['Personalization', 'Analytics', 'Advertising'];
  const month = (y, m) => {
    const rows = [['moc', 'jurisdiction', 'sub', 'consent', 'jti', 'lat', 'exp', 'purpose', 'privacy_policy_url']];
    for (let n = 0; n < 60; n++) {
      const at = Date.UTC(y, m, c.int(1, 28), c.int(0, 23), c.int(0, 59), c.int(0, 59)), days = c.pick([30, 90, 365]), sub = c.uuid();
      const consent = c.weighted({ Accept: 65, Reject: 30, Partial: 2, '': 3 });
      const taken = consent === 'Accept' ? optional.filter(() => c.is(0.7)) : [];
      rows.push(['web form', c.pick(['DE', 'US', 'FR']), sub, consent, c.uuid(), at, days, ['Necessary', ...taken].join(', '), 'https://shop.example/datenschutz?a=1,2']);
      if (consent === 'Accept' || consent === 'Reject') for (const k of optional) truth.says({ action: taken.includes(k) ? 'accept' : 'reject', timestamp: at, validUntil: at + days * 86400000, source: 'hu-manity', category: k, profileId: sub, sourceId: '4' });
    }
    return csv(rows);
  };
  save(name, { 'export.zip': zip({ 'consents-2024-01.csv': month(2024, 0), 'consents-2024-02.csv': month(2024, 1), '__MACOSX/._consents-2024-02.csv': '\0\x05\x16\x07\0' }) }, truth,
    ['--set=categories=Personalization,Analytics,Advertising', '--set=essential=Necessary', '--set=sourceId=4']);
}

export function commandersAct(name) {
  const c = new Chance(name), truth = new Truth();
  const category = { '2': 'statistics', '3': 'advertising', '10001': 'social' };
  const file = (id, count, stamp) => {
    const rows = [['id_hit', 'id_tagcommander', 'id_privacy', 'version', 'cookie', id, 'date_hit', 'privacy_action', 'type_action', 'device']];
    for (let n = 0; n < count; n++) {
      const who = c.hex(32), at = c.time(2022, 2024), act = c.weighted({ V: 30, 1: 40, 0: 20, '-1': 5, X: 2 });
      const taken = act === '1' ? Object.keys(category).filter(() => c.is(0.7)) : [];
      rows.push([c.digits(12), '4321', '7', c.pick(['004', '005']), ['1', ...taken].slice(act === '1' ? 0 : 1).join(','), who, stamp(at), act, c.pick(['banner', 'pc']), c.int(0, 3)]);
      if (act === '1' || act === '0' || act === '-1') for (const k in category) truth.says({ action: taken.includes(k) ? 'accept' : 'reject', timestamp: at, source: 'commanders-act', category: category[k], profileId: who, sourceId: '31' });
    }
    return csv(rows);
  };
  // the column was renamed between two versions of the export; times are UTC here
  const stamp = at => iso(at).replace('T', ' ').replace('Z', '');
  save(name, { 'export.1.csv': file('tc_p_id', 60, stamp), 'export.2.csv': file('tcpid', 120, stamp) }, truth,
    ['--set=categories=statistics=2,advertising=3,social=10001', '--set=essential=1', '--set=timezone=UTC', '--set=sourceId=31']);
}

export function consentforge(name) {
  const c = new Chance(name), truth = new Truth();
  const rows = [['receipt_id', 'property_id', 'policy_version', 'timestamp', 'event_type', 'necessary', 'analytics', 'marketing', 'functional', 'region', 'ip_hash', 'user_agent_hash', 'previous_receipt_id', 'hmac']];
  let before = '';
  for (let n = 1; n <= 160; n++) {
    const id = 'rec_01H' + c.digits(9), at = c.time(2024), type = c.weighted({ 'consent.created': 60, 'consent.updated': 25, 'consent.withdrawn': 10, 'banner.shown': 5 });
    const state = Object.fromEntries(['analytics', 'marketing', 'functional'].map(k => [k, c.weighted({ true: 48, false: 48, '': 4 })]));
    const bad = c.is(0.02) && (type === 'consent.created' || type === 'consent.updated');
    if (bad) state.marketing = 'default';
    rows.push([id, 'prop_abc', '3', iso(at), type, 'true', ...Object.values(state), c.pick(['DE', 'US-CA']), 'sha256:' + c.hex(8), 'sha256:' + c.hex(8), c.is(0.3) ? before : '', 'sha256:' + c.hex(16)]);
    before = id;
    if (bad || type === 'banner.shown') continue;
    for (const k in state) {
      const action = type === 'consent.withdrawn' ? 'reject' : { true: 'accept', false: 'reject' }[state[k]];
      if (action) truth.says({ action, timestamp: at, source: 'consentforge', category: k, profileId: id, sourceId: '5' });
    }
  }
  save(name, { 'export.csv': csv(rows, { eol: '\r\n' }) }, truth, ['--set=profileId=receipt_id', '--set=sourceId=5']);
}

export function fides(name) {
  const c = new Chance(name), truth = new Truth();
  const item = n => {
    const p = person(c, n), at = c.time(2024) + c.int(0, 999), micro = new Date(at).toISOString().replace('Z', c.digits(3) + 'Z');
    const preference = c.weighted({ opt_in: 40, opt_out: 35, acknowledge: 8, tcf: 15, unsure: 2 }), method = c.weighted({ accept: 30, reject: 20, save: 30, individual_notice: 5, gpc: 6, dismiss: 9 });
    const notice = c.pick(['Marketing', 'Analytics & Statistik', 'Data Sales and Sharing']), external = c.is(0.4) ? c.digits(19) : null, mail = c.is(0.6), device = c.uuid();
    const tcf = preference === 'tcf' ? { purpose_consent_preferences: [1, 3, 4].filter(() => c.is(0.8)).map(id => ({ id, preference: c.pick(['opt_in', 'opt_out']) })), purpose_legitimate_interests_preferences: [{ id: 7, preference: 'opt_in' }], vendor_consent_preferences: [{ id: 'gvl.8', preference: 'opt_in' }] } : null;
    const base = { timestamp: at, source: 'fides', userId: external ?? undefined, email: mail ? p.email : undefined, profileId: device, sourceId: '9007199254740993' };
    const action = { opt_in: 'accept', opt_out: 'reject' };
    // dismissed: the banner went away and nobody chose; beside a browser's signal, what it does not refuse is a default
    if (method !== 'dismiss' && !(method === 'gpc' && preference !== 'opt_out')) {
      if (tcf) for (const x of tcf.purpose_consent_preferences) truth.says({ ...base, action: action[x.preference], category: `tcf-purpose-${x.id}` });
      else if (action[preference]) truth.says({ ...base, action: action[preference], category: notice });
    }
    return { id: 'pri_' + c.uuid(), privacy_notice_history_id: 'pri_' + c.uuid(), email: mail ? mess(c, p.email) : null, phone_number: null, external_id: external, fides_user_device_id: device, request_timestamp: micro, request_origin: c.pick(['privacy_center', 'banner_and_modal', 'tcf_overlay']), preference, notice_name: tcf ? 'tcf' : notice, user_geography: 'fr_idg', method, truncated_ip_address: '203.0.113.0', url_recorded: 'https://shop.example/?q=été', property_id: null, tcf_preferences: tcf };
  };
  const page = (from, to, n) => json({ items: Array.from({ length: to - from + 1 }, (_, i) => item(from + i)), total: 180, page: n, size: 100, pages: 2 }, n === 1 ? 1 : undefined);
  save(name, { 'export.1.json': page(1, 100, 1) + '\n', 'export.2.json': page(101, 180, 2) }, truth, ['--set=sourceId=9007199254740993']);
}

export function iubenda(name) {
  const c = new Chance(name), truth = new Truth();
  const list = Array.from({ length: 110 }, (_, i) => {
    const p = person(c, i), id = c.is(0.6) ? 'subj-' + c.digits(10) : null, at = c.time(2019, 2024), mail = c.is(0.9) || !id;
    const preferences = {}, broken = c.is(0.02);
    for (const k of ['Marketing', 'offerte_e_promozioni', 'Form Contatto ITA']) if (c.is(0.7)) preferences[k] = c.is(0.55);
    if (broken) preferences.Marketing = c.pick(['forse', 1, {}]);
    if (!broken) for (const k in preferences) truth.says({ action: preferences[k] ? 'accept' : 'reject', timestamp: at, source: 'iubenda', category: k, userId: id ?? undefined, email: mail ? p.email : undefined });
    return { id: c.uuid(), timestamp: iso(at, true).replace('Z', '+0000'), owner: 'acme', source: c.pick(['public', 'private']), ip_address: '203.0.113.7', subject: { id, email: mail ? mess(c, p.email) : null, first_name: p.first, last_name: p.last, full_name: null, verified: false }, preferences, legal_notices: [{ identifier: 'privacy_policy', version: 3 }], proofs: [{ content: '<p>Sì, acconsento</p>', form: '<form>\n<input name="email">\n</form>' }], proof_documents: [] };
  });
  save(name, { 'export.json': json(list, 1) }, truth);
}
