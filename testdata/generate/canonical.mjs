// The canonical consent CSV: the importer's own column names, as somebody
// writes them who exports from a data warehouse.
import { Chance, Truth, person, iso, csv, bom, save } from './lib.mjs';

const header = ['userId', 'profileId', 'email', 'sourceId', 'action', 'timestamp', 'validUntil', 'source', 'category', 'message'];

export function canonical(name) {
  const c = new Chance(name), truth = new Truth(), rows = [header];
  const add = r => rows.push(header.map(h => r[h]));
  for (let n = 1; n <= 330; n++) {
    const p = person(c, n), userId = c.is(0.85) ? 'U-' + String(n).padStart(8, '0') : undefined;
    const profileId = c.is(0.3) ? c.digits(19) : undefined;
    const at = c.time(), end = c.is(0.4) ? at + 395 * 86400000 : undefined;
    const says = {
      userId, profileId, email: !userId && !profileId || c.is(0.6) ? p.email : undefined,
      sourceId: profileId || c.is(0.1) ? c.pick(['7305919280475934720', '9007199254740993', '12']) : undefined,
      action: c.pick(['accept', 'accept', 'reject']), timestamp: at, validUntil: end ?? 'unlimited',
      source: c.pick(['web', 'mobile', 'desktop', 'Filiale Zürich']), category: c.pick(['analytics', 'marketing', 'E-Mail: Angebote & Aktionen']),
      message: c.pick([undefined, 'Ja, ich möchte "Neuigkeiten" erhalten', 'I agree,\nfreely and informed.', 'はい、同意します', `${p.first} ${p.last} agreed by phone`]),
    };
    const row = { ...says, timestamp: c.is(0.1) ? iso(at) : at, validUntil: end ? (c.is(0.1) ? iso(end) : end) : 'unlimited' };
    const fate = c.weighted({ good: 88, undecided: 4, unlisted: 3, noTime: 2, nobody: 2, twice: 1 });
    if (fate === 'undecided') row.action = '';                    // no statement: no consent
    if (fate === 'unlisted') row.action = c.pick(['maybe', 'pending', 'implied', 'NULL']);
    if (fate === 'noTime') row.timestamp = c.pick(['', '0000-00-00 00:00:00', 'gestern']);
    if (fate === 'nobody') row.userId = row.profileId = row.email = '';
    add(row);
    if (fate === 'good' || fate === 'twice') truth.says(says);
    if (fate === 'twice') { add(row); truth.says(says); }         // two equal rows are two rows
    if (fate === 'good' && c.is(0.1)) {                           // the same person changes the decision later
      const later = { ...says, action: says.action === 'accept' ? 'reject' : 'accept', timestamp: at + 86400000 * c.int(1, 300), validUntil: 'unlimited' };
      add(later);
      truth.says(later);
    }
  }
  save(name, { 'export.csv': bom + csv(rows, { eol: '\r\n' }) }, truth);
}
