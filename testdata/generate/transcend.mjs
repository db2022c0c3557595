// Transcend: the preference store as `pull-consent-preferences` writes it, and
// the CSV that `upload-preferences` takes, with the purposes as JSON in a cell.
import { Chance, Truth, person, mess, iso, csv, json, save } from './lib.mjs';

export function transcend(name) {
  const c = new Chance(name), truth = new Truth();
  const purposes = ['Advertising', 'Analytics', 'Essential', 'Functional', 'SaleOfInfo'];
  const rows = [['userId', 'timestamp', 'partition', 'decryptionStatus', 'updatedAt', 'usp', 'gpp', 'tcf', 'airgapVersion', 'metadata', 'metadataTimestamp', 'email', 'phone', ...purposes, 'Advertising_Channels', 'Analytics_Frequency']];
  const partition = c.uuid();
  for (let n = 1; n <= 240; n++) {
    const p = person(c, n), crm = c.is(0.5) ? c.digits(19) : '', at = c.time(2022) + c.int(0, 999);
    const mails = c.is(0.05) ? [p.email, 'second.' + p.email] : c.is(0.95) ? [p.email] : [];
    const closed = c.is(0.01), broken = c.is(0.015);
    const state = Object.fromEntries(purposes.map(k => [k, c.weighted({ true: 45, false: 35, '': 20 })]));
    if (broken) state.Analytics = c.pick(['Auto', 'unknown', 'null']);
    rows.push([crm, iso(at, true), partition, closed ? 'ENCRYPTED' : 'DECRYPTED', iso(at + 86400000, true), c.is(0.3) ? '1YYN' : '', c.is(0.1) ? 'DBABLA~BVQqAAAAAgA.QA' : '', '', c.is(0.5) ? '7.12.0' : '',
      c.is(0.2) ? json({ note: c.pick(['said "ja", on the phone', 'línea 1\nlínea 2']), agent: n }) : '', '', mails.map(m => mess(c, m)).join(','), c.is(0.4) ? p.phone : '', ...Object.values(state), c.is(0.3) ? 'Email,Sms' : '', c.is(0.3) ? 'Weekly' : '']);
    // several addresses and no id of the customer's own: whose is it? That row is invalid
    if (closed || broken || !crm && mails.length !== 1) continue;
    for (const k of purposes) if (k !== 'Essential' && state[k] !== '') {
      truth.says({ action: state[k] === 'true' ? 'accept' : 'reject', timestamp: at, source: 'transcend', category: k, userId: crm || undefined, email: mails.length === 1 ? mails[0] : undefined });
    }
  }
  save(name, { 'export.csv': csv(rows) }, truth);
}

export function transcendUpload(name) {
  const c = new Chance(name), truth = new Truth();
  const rows = [['userId', 'timestamp', 'purposes', 'confirmed', 'updated', 'usp', 'tcf', 'gpp']];
  for (let n = 1; n <= 220; n++) {
    const p = person(c, n), mail = c.is(0.5), userId = mail ? p.email : 'cust_' + c.digits(12), at = c.time(2021, 2024) + c.int(0, 999);
    const state = {};
    for (const k of ['Analytics', 'Advertising', 'Functional', 'SaleOfInfo']) if (c.is(0.8)) state[k] = c.pick([true, true, false, false, 'Auto']);
    const confirmed = c.weighted({ true: 80, false: 15, '': 5 });
    const broken = c.is(0.03);
    rows.push([userId, iso(at, true), broken ? c.pick(['{"Analytics":true', '{Analytics:true}', '["Analytics"]']) : json(state), confirmed, c.pick(['true', 'false', '']), c.is(0.4) ? '1YNN' : '', '', '']);
    if (broken || confirmed !== 'true') continue;
    for (const [k, v] of Object.entries(state)) if (v !== 'Auto') {
      truth.says({ action: v ? 'accept' : 'reject', timestamp: at, source: 'transcend', category: k, userId, email: mail ? userId : undefined });
    }
  }
  save(name, { 'export.csv': csv(rows, { eol: '\r\n', last: false }) }, truth);
}
