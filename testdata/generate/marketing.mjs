// Newsletter tools, shops and customer databases: opt-ins per channel.
import { Chance, Truth, person, mess, iso, parts, berlin, csv, bom, utf16, latin1, zip, save } from './lib.mjs';

const blank = ms => iso(ms).replace('T', ' ').replace('Z', '');

export function mailchimp(name) {
  const c = new Chance(name), truth = new Truth();
  const head = ['Email Address', 'First Name', 'Last Name', 'Interessen', 'MEMBER_RATING', 'OPTIN_TIME', 'OPTIN_IP', 'CONFIRM_TIME', 'CONFIRM_IP', 'LATITUDE', 'LONGITUDE', 'GMTOFF', 'DSTOFF', 'TIMEZONE', 'CC', 'REGION', 'LAST_CHANGED', 'LEID', 'EUID', 'NOTES', 'TAGS'];
  let n = 0;
  const file = (state, more, count) => {
    const rows = [[...head.slice(0, 19), ...more, ...head.slice(19)].map(h => `"${h}"`).join(',')];
    const q = v => v === '' ? '' : /[\s",]/.test(v) ? '"' + v.replaceAll('"', '""') + '"' : v;
    for (let i = 0; i < count; i++) {
      const p = person(c, ++n), confirm = c.time(2013, 2023), changed = confirm + c.int(1, 600) * 86400000, left = changed - 3600000;
      const single = c.is(0.3), unconfirmed = c.is(0.05), notimes = c.is(0.02);
      const row = [p.email, p.first, p.last, c.is(0.3) ? 'INDIE\\, EGYPT...' : '', '2', single ? '' : blank(confirm - 60000), single ? '' : '203.0.113.5', unconfirmed || notimes ? '' : blank(confirm), '', '47.66', '-122.29', '-8', '-7', 'America/Los_Angeles', 'US', 'WA', notimes ? '' : blank(changed), c.digits(8), c.hex(10),
        ...(state === 'unsubscribed' ? [notimes || c.is(0.1) ? '' : blank(left), 'Frühling "2023"', c.hex(6), c.pick(['', 'no longer interested']), 'Zu viele Mails,\nwirklich', '', ''] : state === 'cleaned' ? [blank(left), '', ''] : []), '', c.is(0.3) ? '"VIP","Blog"' : ''];
      rows.push(row.map(q).join(','));
      const base = { source: 'mailchimp', category: 'email-marketing', email: p.email };
      if (state === 'subscribed') {
        const at = unconfirmed || notimes ? (single ? (notimes ? 0 : changed) : confirm - 60000) : confirm;
        if (at) truth.says({ ...base, action: 'accept', timestamp: at });
      }
      if (state === 'unsubscribed') {
        const gone = row[19] !== '' ? left : notimes ? 0 : changed;
        if (gone) truth.says({ ...base, action: 'reject', timestamp: gone });
      }
    }
    return rows.join('\n') + '\n';
  };
  const hash = c.hex(10), members = {};
  for (const [state, more, count] of [['cleaned', ['CLEAN_TIME', 'CLEAN_CAMPAIGN_TITLE', 'CLEAN_CAMPAIGN_ID'], 25], ['nonsubscribed', [], 20], ['subscribed', [], 160],
    ['unsubscribed', ['UNSUB_TIME', 'UNSUB_CAMPAIGN_TITLE', 'UNSUB_CAMPAIGN_ID', 'UNSUB_REASON', 'UNSUB_REASON_OTHER', 'UNSUB_CAMPAIGN_ID', 'UNSUB_REASON'], 70]]) members[`${state}_members_export_${hash}.csv`] = file(state, more, count);
  save(name, { 'export.zip': zip(members) }, truth);
}

export function shopify(name) {
  const c = new Chance(name), truth = new Truth(), at = Date.UTC(2025, 2, 14, 9, 30);
  const rows = [['Customer ID', 'First Name', 'Last Name', 'Email', 'Accepts Email Marketing', 'Default Address Company', 'Default Address Address1', 'Default Address City', 'Default Address Country Code', 'Phone', 'Accepts SMS Marketing', 'Total Spent', 'Total Orders', 'Note', 'Tax Exempt', 'Tags', 'Birthday (customer.metafields.facts.birth_date)']];
  for (let n = 1; n <= 220; n++) {
    const p = person(c, n), id = c.digits(13), email = c.is(0.93) ? p.email : '', bad = c.is(0.02);
    const mail = bad ? c.pick(['pending', 'subscribed?', 'NEVER_SUBSCRIBED']) : c.pick(['yes', 'yes', 'no']), sms = c.pick(['yes', 'no', 'no', '']);
    rows.push(["'" + id, p.first, p.last, email, mail, '', `Straße ${n}`, c.pick(['Zürich', "L'Aquila", '']), 'CH', c.is(0.4) ? "'" + p.phone : '', sms, '12.50', c.int(0, 30), c.is(0.1) ? 'Ruft an,\nsagt "bitte nicht stören"' : '', 'no', c.is(0.2) ? 'VIP, newsletter' : '', c.is(0.2) ? "'1990-05-02" : '']);
    if (bad) continue;
    // no is not a refusal: it holds for everybody who was never asked
    if (mail === 'yes') truth.says({ action: 'accept', timestamp: at, source: 'shopify', category: 'email', userId: id, email: email || undefined });
    if (sms === 'yes') truth.says({ action: 'accept', timestamp: at, source: 'shopify', category: 'sms', userId: id, email: email || undefined });
  }
  save(name, { 'export.csv': bom + csv(rows, { eol: '\r\n' }) }, truth, ['--set=timestamp=2025-03-14T09:30:00Z']);
}

export function klaviyo(name) {
  const c = new Chance(name), truth = new Truth();
  const rows = [['Email', 'Klaviyo ID', 'First Name', 'Last Name', 'Organization', 'Phone Number', 'City', 'State / Region', 'Country', 'Source', 'IP Address', 'Email Marketing Consent', 'Email Marketing Consent Timestamp', 'First Active', 'Profile Created On', 'Date Added', 'Email Suppressions', 'Lieblingsfarbe']];
  for (let n = 1; n <= 240; n++) {
    const p = person(c, n), at = c.time(2021), state = c.weighted({ SUBSCRIBED: 55, UNSUBSCRIBED: 20, NEVER_SUBSCRIBED: 18, '': 4, PENDING: 3 });
    const held = c.weighted({ '': 80, USER_SUPPRESSED: 5, UNSUBSCRIBED: 5, SPAM_COMPLAINT: 2, 'HARD_BOUNCE': 5, INVALID_EMAIL: 2, 'HARD_BOUNCE, USER_SUPPRESSED': 1, LEGAL_HOLD: 1 });
    const asked = state === 'SUBSCRIBED' || state === 'UNSUBSCRIBED', none = asked && c.is(0.02);
    rows.push([mess(c, p.email), '01H' + c.hex(23).toUpperCase(), p.first, p.last, '', c.is(0.3) ? p.phone : '', '', '', 'DE', '-1', '', state, asked && !none ? iso(at).replace('T', ' ').replace('Z', '+00:00') : '', '', iso(at), iso(at), held, c.pick(['grün', ''])]);
    const base = { timestamp: at, source: 'klaviyo', category: 'email-marketing', email: p.email };
    if (!asked || none || held === 'LEGAL_HOLD') continue;
    // somebody who withdrew through a suppression may still read SUBSCRIBED; a bounce is no withdrawal
    const withdrawn = /UNSUBSCRIBED|USER_SUPPRESSED|SPAM_COMPLAINT/.test(held);
    truth.says({ ...base, action: withdrawn || state === 'UNSUBSCRIBED' ? 'reject' : 'accept' });
  }
  save(name, { 'export.csv': bom + csv(rows) }, truth);
}

export function braze(name) {
  const c = new Chance(name), truth = new Truth();
  const file = (id, from, to, push) => {
    const rows = [push ? [id, 'country', 'created_at', 'devices', 'email', 'unsubscribed_from_emails_at', 'user_id', 'opted_into_push_at', 'unsubscribed_from_push_at', 'user_aliases', 'Größe'] : ['user_id', 'first_name', 'last_name', 'email', 'unsubscribed_from_emails_at', 'opted_in_to_emails_at', 'user_aliases']];
    for (let n = from; n <= to; n++) {
      const p = person(c, n), user = c.is(0.85) ? c.digits(19) : '', made = [];
      const dates = (channel, hidden) => { // hidden: the file lacks the date of the opt-in
        const a = c.time(2020, 2024), b = a + c.int(1, 300) * 86400000, kind = c.weighted({ in: 35, out: 15, back: 10, left: 20, none: 20 });
        const at = { in: [a, 0], out: [0, a], back: [b, a], left: [a, b], none: [0, 0] }[kind];
        if (hidden) at[0] = 0;
        if (at[0] || at[1]) made.push({ category: channel, action: at[0] > at[1] ? 'accept' : 'reject', timestamp: Math.max(...at) });
        return at.map(t => t ? iso(t) : '');
      };
      const [mailIn, mailOut] = dates('email', push), [pushIn, pushOut] = push ? dates('push') : [];
      rows.push(push ? [c.hex(24), 'DE', iso(c.time()), '[{"os":"14.1","model":"iPhone \\"12\\""}]', p.email, mailOut, user, pushIn, pushOut, '[]', 'XL'] : [user, p.first, p.last, p.email, mailOut, mailIn, '[{"alias_name":"a","alias_label":"b"}]']);
      for (const m of made) truth.says({ ...m, source: 'braze', userId: user || undefined, email: p.email });
    }
    return csv(rows);
  };
  save(name, { 'export.1.zip': zip({ 'users-0f2c.csv': file('Appboy ID', 1, 90, true), 'users-77aa.csv': file('Appboy ID', 91, 150, true) }), 'export.2.csv': file('', 151, 220, false) }, truth);
}

export function brevo(name) {
  const c = new Chance(name), truth = new Truth();
  const rows = [['EMAIL', 'NOM', 'PRENOM', 'SMS', 'EMAIL_BLACKLISTED', 'SMS_BLACKLISTED', 'ADDED_TIME', 'MODIFIED_TIME']];
  const western = s => [...s].every(ch => ch.codePointAt(0) < 256) ? s : 'Élodie';
  for (let n = 1; n <= 200; n++) {
    const p = person(c, n), added = c.time(2021, 2022), changed = added + c.int(0, 500) * 86400000, minute = ms => ms - ms % 60000;
    const stamp = ms => { const t = parts(ms, berlin(ms)); return `${t.d}-${t.m}-${t.Y} ${t.H}:${t.M}`; };
    const mail = c.weighted({ No: 70, Yes: 28, oui: 2 }), sms = c.weighted({ No: 60, Yes: 15, '': 25 });
    rows.push([mess(c, p.email), western(p.last), western(p.first), c.is(0.5) ? p.phone.slice(1) : '', mail, sms, stamp(added), stamp(changed)]);
    if (mail === 'oui') continue;
    // not blacklisted is no opt-in: only the refusals are imported
    if (mail === 'Yes') truth.says({ action: 'reject', timestamp: minute(changed), source: 'brevo', category: 'email', email: p.email });
    if (sms === 'Yes') truth.says({ action: 'reject', timestamp: minute(changed), source: 'brevo', category: 'sms', email: p.email });
  }
  save(name, { 'export.csv': latin1(csv(rows, { delimiter: ';', eol: '\r\n' })) }, truth, ['--encoding=windows-1252', '--set=timezone=Europe/Paris']);
}

export function salesforceMarketingCloud(name) {
  const c = new Chance(name), truth = new Truth();
  const stamp = ms => { const t = parts(ms, -360); return `${t.n}/${t.j}/${t.Y} ${t.l}:${t.M}:${t.S} ${t.p}`; }; // Central Standard Time, never daylight saving
  const row = (n, order) => {
    const p = person(c, n), joined = c.time(2018, 2022), left = joined + c.int(1, 700) * 86400000;
    const status = c.weighted({ active: 60, unsubscribed: 25, held: 6, bounced: 6, Deleted: 1, '': 2 });
    const crm = c.is(0.5), key = crm ? '0035' + c.hex(14) : p.email;
    const v = { SubscriberID: c.digits(9), DateUndeliverable: '', DateJoined: stamp(joined), DateUnsubscribed: status === 'unsubscribed' ? stamp(left) : '', Domain: p.email.split('@')[1], EmailAddress: mess(c, p.email), BounceCount: '0', SubscriberKey: key, SubscriberType: '', Status: c.is(0.5) ? status : status && status[0].toUpperCase() + status.slice(1), ClientID: '10023', DateHeld: '', DateCreated: stamp(joined) };
    const base = { source: 'salesforce-marketing-cloud', category: 'email-marketing', userId: crm ? key : undefined, email: p.email };
    if (status === 'active') truth.says({ ...base, action: 'accept', timestamp: joined });
    if (status === 'unsubscribed') truth.says({ ...base, action: 'reject', timestamp: left });
    return order.map(k => v[k]);
  };
  const view = ['SubscriberID', 'DateUndeliverable', 'DateJoined', 'DateUnsubscribed', 'Domain', 'EmailAddress', 'BounceCount', 'SubscriberKey', 'SubscriberType', 'Status'];
  const extract = ['ClientID', 'SubscriberKey', 'EmailAddress', 'SubscriberID', 'Status', 'DateHeld', 'DateCreated', 'DateUnsubscribed'];
  const rows = (from, to, order) => [order, ...Array.from({ length: to - from + 1 }, (_, i) => row(from + i, order))];
  save(name, { 'export.1.csv': csv(rows(1, 120, view), { eol: '\r\n' }), 'export.2.txt': utf16(csv(rows(121, 200, extract), { delimiter: '\t', eol: '\r\n' })) }, truth);
}

export function salesforceContactPointConsent(name) {
  const c = new Chance(name), truth = new Truth();
  const purposes = { '0ZW5f000000Kz1AGAS': 'newsletter', '0ZW5f000000Kz1BGAS': 'surveys' };
  const file = (who, up, from, to) => {
    const head = ['Id', 'Name', who, 'CaptureDate', 'CaptureSource', 'DataUsePurposeId', 'EffectiveFrom', 'EffectiveTo', 'PrivacyConsentStatus', 'IsDeleted', 'CreatedDate'];
    const rows = [up ? head.map(h => h.toUpperCase()) : head];
    for (let n = from; n <= to; n++) {
      const at = c.time(2020, 2024), end = c.is(0.4) ? at + 730 * 86400000 : 0, id = (who === 'PartyId' ? '0PK5f' : '8lW5f') + c.hex(13).toUpperCase();
      const purpose = c.pick(Object.keys(purposes)), status = c.weighted({ OptIn: 50, OptOut: 30, Seen: 8, NotSeen: 8, Renew: 2, '': 2 }), gone = c.is(0.05), late = c.is(0.05);
      const zone = ms => ms ? iso(ms, true).replace('Z', '+0000') : '';
      rows.push(['0ZX' + c.hex(15), `CPC-${n}`, id, late ? '' : zone(at), c.pick(['Web', 'Télé']), purpose, zone(at), zone(end), status, gone ? 'true' : 'false', zone(at + 1000)]);
      const action = { OptIn: 'accept', OptOut: 'reject' }[status];
      if (action && !gone) truth.says({ action, timestamp: at, validUntil: end || undefined, source: 'salesforce', category: purposes[purpose], userId: id });
    }
    return csv(rows, { always: true });
  };
  save(name, { 'export.1.csv': file('PartyId', false, 1, 120), 'export.2.csv': file('ContactPointId', true, 121, 180) }, truth, [`--set=purposes=${Object.entries(purposes).map(([k, v]) => `${k}=${v}`).join(',')}`]);
}

export function voyado(name) {
  const c = new Chance(name), truth = new Truth();
  const rows = [['id', 'contactId', 'alias', 'value', 'consentDateTime', 'source', 'comment']];
  for (let n = 1; n <= 200; n++) {
    const contact = c.uuid(), at = c.time(2020, 2024), offset = c.is(0.8) ? 60 : 0, t = parts(at, offset);
    const value = c.weighted({ True: 50, False: 40, '': 5, Unknown: 2 }), alias = c.pick(['memberConsent', 'profiling', 'köpvillkor']);
    rows.push([c.uuid(), contact, alias, value, `${t.Y}-${t.m}-${t.d}T${t.H}:${t.M}:${t.S}${offset ? '+01:00' : 'Z'}`, c.pick(['POS', 'Web', 'API']), c.is(0.2) ? 'Kunden sa: "nej",\npå telefon' : '']);
    const action = { True: 'accept', False: 'reject' }[value];
    if (action) truth.says({ action, timestamp: at, source: 'voyado', category: alias, userId: contact });
  }
  save(name, { 'export.csv': csv(rows, { eol: '\r\n' }) }, truth);
}
