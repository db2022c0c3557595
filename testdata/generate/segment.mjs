// Segment: consent events of a warehouse or S3 destination, and the CSV of
// subscription states.
import { Chance, Truth, person, mess, iso, csv, json, gzip, save } from './lib.mjs';

export function segmentEvents(name) {
  const c = new Chance(name), truth = new Truth(), lines = [];
  for (let n = 1; n <= 420; n++) {
    const at = c.time(2023) + c.int(0, 999), userId = c.is(0.85) ? c.digits(19) : null, mail = c.is(0.3) ? person(c, n).email : undefined;
    const other = c.is(0.35), categoryPreferences = {}, anonymousId = c.uuid();
    for (const k of ['Advertising', 'Analytics', 'Functional', 'DataSharing']) if (c.is(0.8)) categoryPreferences[k] = c.is(0.5);
    const consent = c.weighted({ full: 85, none: 10, empty: 5 });
    const context = { consent: consent === 'none' ? undefined : { categoryPreferences: consent === 'empty' ? {} : categoryPreferences }, ip: '203.0.113.9', traits: mail ? { email: mail } : undefined, userAgent: 'Mozilla/5.0 (X11; "Linux")' };
    lines.push(json({ messageId: 'ajs-' + c.hex(20), type: other ? c.pick(['track', 'page', 'identify']) : 'track', event: other ? c.pick(['Product Viewed', 'Order Completed', undefined]) : 'Segment Consent Preference Updated', anonymousId, userId, timestamp: iso(at, true), receivedAt: iso(at + 2000, true), context, properties: {} }));
    if (other || consent !== 'full') continue;
    for (const k in categoryPreferences) truth.says({ action: categoryPreferences[k] ? 'accept' : 'reject', timestamp: at, source: 'segment', category: k, userId: userId ?? undefined, email: mail, profileId: anonymousId, sourceId: '3' });
  }
  save(name, { 'export.1.json.gz': gzip(lines.slice(0, 300).join('\n') + '\n'), 'export.2.json.gz': gzip(lines.slice(300).join('\n') + '\n') }, truth, ['--set=sourceId=3']);
}

export function segmentSubscriptions(name) {
  const c = new Chance(name), truth = new Truth();
  const rows = [['user_id', 'email', 'phone', 'email_subscription_status', 'sms_subscription_status', 'whatsapp_subscription_status']];
  const words = { subscribed: 'accept', unsubscribed: 'reject', 'did-not-subscribe': null, '': null };
  for (let n = 1; n <= 180; n++) {
    const p = person(c, n), user = c.is(0.5) ? c.digits(19) : '', made = [], cells = [];
    for (const channel of ['email', 'sms', 'whatsapp']) {
      const w = c.weighted({ subscribed: 40, unsubscribed: 25, 'did-not-subscribe': 15, '': 20 });
      cells.push(c.pick([w, w, w.toUpperCase(), w[0] ? w[0].toUpperCase() + w.slice(1) : w, w && ` ${w} `]));
      if (words[w]) made.push({ category: channel, action: words[w] });
    }
    const bad = c.is(0.02);
    if (bad) cells[0] = c.pick(['pending', 'yes?', 'sub']);
    rows.push([user, mess(c, p.email), c.is(0.5) ? p.phone : '', ...cells]);
    if (!bad) for (const m of made) truth.says({ ...m, timestamp: Date.UTC(2025, 4, 2), source: 'segment', userId: user || undefined, email: p.email });
  }
  save(name, { 'export.csv': csv(rows, { last: false }) }, truth, ['--set=timestamp=2025-05-02T00:00:00Z']);
}
