// Didomi's batch export: parts of newline-delimited JSON, gzipped; `users` is
// the latest state, `events` the history.
import { Chance, Truth, person, iso, json, gzip, save } from './lib.mjs';

const purposes = ['cookies', 'advertising_personalization', 'analytics-dXKpHNzm', 'newsletter-Fa3x'];

// chosen gives the consents of a record and what they say.
function chosen(c) {
  const says = [], list = [];
  for (const id of purposes) if (c.is(0.7)) {
    const enabled = c.pick([true, true, false, false, null]);      // null: no choice
    list.push({ id, enabled, enabled_li: true, metadata: c.is(0.1) ? { form: 'Straße 7' } : undefined, preferences: [], values: {} });
    if (enabled !== null) says.push({ category: id, action: enabled ? 'accept' : 'reject' });
  }
  return [{
    channels: [{ id: 'email', enabled: true }], purposes: list, tcfcs: c.is(0.2) ? 'CP9qJMAP9qJMAAHABBENBuCgAAAAAAAAAAYgAAAAAAAA' : undefined,
    vendors: { enabled: c.is(0.3) ? ['google', 'c:didomi'] : [], disabled: [], enabled_li: ['iab:25'], disabled_li: [] },
  }, says];
}

// known gives somebody as the customer's systems know them.
function known(c, n) {
  const p = person(c, n), kind = c.weighted({ mail: 50, crm: 40, phone: 10 });
  const id = kind === 'mail' ? p.email : kind === 'crm' ? c.digits(19) : p.phone;
  return [kind === 'mail' && c.is(0.1) ? id.toUpperCase() : id, kind === 'mail' ? { email: p.email } : { userId: id }];
}

const parts = (lines, at) => ({ 'export.part-00000.json.gz': gzip(lines.slice(0, at).join('\n') + '\n'), 'export.part-00001.json.gz': gzip(lines.slice(at).join('\n')) });

export function didomiUsers(name) {
  const c = new Chance(name), truth = new Truth(), lines = [];
  const organization_id = 'acme';
  for (let n = 1; n <= 260; n++) {
    const [organization_user_id, who] = known(c, n), at = c.time(2020), [consents, says] = chosen(c), id = c.uuid();
    const anonymous = c.is(0.03), millis = c.is(0.5);
    lines.push(json({ id, organization_id, organization_user_id: anonymous ? null : organization_user_id, version: c.int(1, 40), created_at: iso(at - 86400000), updated_at: iso(at, millis), last_seen_country: c.pick(['FR', 'DE', null]), consents, metadata: { plan: 'été' } }));
    for (const s of says) truth.says({ ...s, ...(anonymous ? {} : who), profileId: id, sourceId: '12', timestamp: at, source: 'didomi' });
  }
  save(name, parts(lines, 120), truth, ['--set=sourceId=12']);
}

export function didomiEvents(name) {
  const c = new Chance(name), truth = new Truth(), lines = [];
  for (let n = 1; n <= 150; n++) {
    const [organization_user_id, who] = known(c, n), id = c.uuid(), started = c.time(2020);
    for (let k = c.int(1, 3), at = started; k > 0; k--, at += c.int(1, 9000000) * 1000) {
      const [consents, says] = chosen(c), status = c.is(0.12) ? 'pending_approval' : 'confirmed', partial = c.is(0.05);
      if (partial) delete consents.purposes;                        // an event about channels only
      lines.push(json({ id: c.uuid(), organization_id: 'acme', created_at: iso(at), status, regulation: c.pick(['gdpr', 'gdpr', 'cpra']), user: { id, organization_user_id, country: 'FR' }, delegate: c.is(0.05) ? { id: 'call-centre', name: 'Zoë' } : null, consents, proofs_id: [] }));
      if (status === 'confirmed' && !partial) for (const s of says) truth.says({ ...s, ...who, profileId: id, sourceId: '7305919280475934720', timestamp: at, source: 'didomi' });
    }
  }
  save(name, parts(lines, 200), truth, ['--set=sourceId=7305919280475934720']);
}
