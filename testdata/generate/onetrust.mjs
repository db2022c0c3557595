// OneTrust: data subjects (pages of the REST API, and one subject a line), and
// the events that its consent webhook sends.
import { Chance, Truth, person, mess, iso, json, save } from './lib.mjs';

const purposes = [['Newsletter', '9edf57bb-0449-4c15-98e4-8641522e5ff4', 1], ['Offres partenaires', '814c073a-95f1-4fc9-8263-1ec62225c5e9', 3], ['Profiling & Personalisation', '4d52dcc4-82bf-44bf-ac49-854eba6ff8f3', 2], ['SMS-Werbung', '759d8b24-e4c0-4107-86e2-3a408db13e6b', 1]];

// purpose gives one purpose of a subject and what it says: a decision with its
// time, or nothing.
function purpose(c, [Name, Id, Version]) {
  const firstAt = c.time(2018, 2023), consentAt = firstAt + c.int(0, 1) * 60000, nextAt = firstAt + c.int(1, 400) * 86400000 + c.int(0, 86399) * 1000;
  const Status = c.weighted({ ACTIVE: 40, WITHDRAWN: 18, NO_CONSENT: 8, EXPIRED: 8, OPT_OUT: 3, HARD_OPT_OUT: 2, EXTEND: 2, PENDING: 6, NONE: 3, ALWAYS_ACTIVE: 4 });
  const p = { Id, Name, Version, Status, FirstTransactionDate: iso(firstAt), LastTransactionDate: iso(firstAt) };
  let says = null;
  switch (Status) {
    case 'ACTIVE':
      p.ConsentDate = iso(consentAt);
      says = { action: 'accept', timestamp: consentAt };
      if (c.is(0.25)) {                       // withdrew once, came back: the old date stays in the record
        p.WithdrawalDate = iso(nextAt);
        p.LastTransactionDate = iso(nextAt + 240000);
        says.timestamp = nextAt + 240000;
      }
      if (c.is(0.3)) { const end = nextAt + 730 * 86400000; p.ExpiryDate = iso(end); says.validUntil = end; }
      break;
    case 'EXTEND':
      p.ConsentDate = iso(consentAt);
      p.LastTransactionDate = iso(nextAt);
      says = { action: 'accept', timestamp: consentAt };
      break;
    case 'EXPIRED':
      p.ConsentDate = iso(consentAt);
      p.ExpiryDate = p.LastTransactionDate = iso(nextAt);
      if (c.is(0.3)) p.WithdrawalDate = iso(nextAt - 86400000);
      says = { action: 'accept', timestamp: consentAt, validUntil: nextAt };
      break;
    case 'WITHDRAWN':
      p.ConsentDate = iso(consentAt);
      p.LastTransactionDate = iso(nextAt + 37000);
      says = { action: 'reject', timestamp: nextAt + 37000 };
      if (c.is(0.9)) { p.WithdrawalDate = iso(nextAt); says.timestamp = nextAt; }
      break;
    case 'NO_CONSENT': case 'OPT_OUT': case 'HARD_OPT_OUT':
      p.LastTransactionDate = iso(nextAt);
      says = { action: 'reject', timestamp: nextAt };
      break;
    default:                                  // PENDING, NONE: no choice; ALWAYS_ACTIVE: nobody's choice
      p.LastTransactionDate = iso(nextAt);
  }
  p.TotalTransactionCount = c.int(1, 9);
  if (c.is(0.2)) p.Topics = [{ Id: c.uuid(), Name: 'Wöchentlich', IsConsented: Status === 'ACTIVE' }];
  p.LastTransactionCollectionPointId = c.uuid();
  p.LastTransactionCollectionPointVersion = 1;
  return [p, says && { ...says, category: Name, message: `OneTrust purpose ${Id} version ${Version}, status ${Status}` }];
}

export function onetrust(name) {
  const c = new Chance(name), truth = new Truth();
  const subject = n => {
    const p = person(c, n), Id = c.uuid(), test = c.is(0.04), crm = c.is(0.35) ? c.digits(19) : '';
    const mail = c.is(0.92), Identifier = mail ? mess(c, p.email) : 'KD' + c.digits(7);
    const s = { Id, Language: c.pick(['de', 'fr-FR', 'en-us']), Identifier, LastUpdatedDate: iso(c.time()), CreatedDate: iso(c.time(2017, 2018)) };
    if (crm || c.is(0.3)) s.DataElements = [{ Name: 'CountryCode', Value: c.pick(['DE', 'FR', 'NL']), Linked: false }, ...(crm ? [{ Name: 'CustomerId', Value: crm, Linked: true }] : [])];
    s.Purposes = [];
    const made = [];
    for (const def of purposes) if (c.is(0.6)) { const [q, says] = purpose(c, def); s.Purposes.push(q); if (says) made.push(says); }
    if (c.is(0.02) && s.Purposes.length) { s.Purposes[0].Status = 'PAUSED'; made.length = 0; } // a word nobody documented: the whole row is invalid
    s.TestDataSubject = test;
    if (!test) for (const says of made) {
      truth.says({ ...says, source: 'onetrust', email: mail ? p.email : undefined, userId: crm || (mail ? undefined : Identifier) });
    }
    return s;
  };
  const page = (content, n, more) => ({
    content, pageable: { limit: 100, offset: n * 100, sort: { sorted: true, unsorted: false, empty: false }, pageNumber: n, pageSize: 100, paged: true, unpaged: false },
    last: !more, totalElements: 141, totalPages: 3, numberOfElements: Array.isArray(content) ? content.length : 1, first: n === 0, number: n, size: 100, sort: { sorted: true, unsorted: false, empty: false }, empty: false,
  });
  const many = (from, to) => Array.from({ length: to - from + 1 }, (_, i) => subject(from + i));
  save(name, {
    'export.1.json': json(page(many(1, 40), 0, true), 1) + '\n',
    'export.2.json': '\ufeff' + json(page(many(41, 80), 1, true)),         // minified, no newline at the end
    'export.3.json': json(page(subject(81), 2, false)) + '\n',             // content is one object
    'export.4.jsonl': many(82, 141).map(s => json(s)).join('\r\n') + '\r\n\r\n',
  }, truth);
}

export function onetrustWebhook(name) {
  const c = new Chance(name), truth = new Truth();
  const zone = ms => new Date(ms).toISOString().replace('Z', '+0000');
  const seconds = ms => String(ms / 1000);
  const event = n => {
    const p = person(c, n), at = c.time(2019, 2023), dataSubjectGuid = c.uuid();
    const profiles = purposes.filter(() => c.is(0.5)).map(([, purposeId]) => {
      const TransactionStatus = c.weighted({ CONFIRMED: 40, WITHDRAWN: 18, NOTGIVEN: 8, OPT_OUT: 4, HARD_OPT_OUT: 2, OPT_IN: 4, CANCEL: 2, PENDING: 6, NO_CHOICE: 4, IMPLICIT: 3, NO_OPT_OUT: 2, CHANGE_PREFERENCES: 2 });
      const before = at - c.int(1, 300) * 86400000;
      const f = { TransactionStatus, FirstTransaction: seconds(before), LastTransaction: seconds(at), ActivationDate: '', DoubleOptInConsent: 'N' };
      let says = null;
      if (['CONFIRMED', 'OPT_IN'].includes(TransactionStatus)) {
        // LastTransaction is when it was given again; ConsentDate when it was given
        f.ConsentDate = seconds(before); says = { action: 'accept', timestamp: before };
        if (c.is(0.2)) { f.WithdrawalDate = seconds(before + 3600000); says.timestamp = at; }
      } else if (['WITHDRAWN', 'NOTGIVEN', 'OPT_OUT', 'HARD_OPT_OUT', 'CANCEL'].includes(TransactionStatus)) {
        says = { action: 'reject', timestamp: at };
        if (TransactionStatus === 'WITHDRAWN') { f.ConsentDate = seconds(before); f.WithdrawalDate = seconds(at - 5000); says.timestamp = at - 5000; }
      }
      return [{ purposeId, collectionPointGuid: c.uuid(), collectionPointVersion: 2, topics: [{ topicGuid: c.uuid(), integrationKey: '', value: 'true' }], customPreferences: [], profileFields: f }, says && { ...says, category: purposeId, status: TransactionStatus }];
    });
    const bad = c.is(0.03) && profiles.length > 0;
    if (bad) profiles[0][0].profileFields.TransactionStatus = 'RENEWED_BY_ADMIN';
    if (!bad) for (const [, says] of profiles) if (says) {
      const { status, ...rest } = says;
      truth.says({ ...rest, source: 'onetrust', email: p.email, message: `OneTrust transaction ${status}` });
    }
    return { eventId: c.digits(19), eventTime: zone(at + 277), eventType: 'ConsentReceiptCreated', payload: { dataSubjectGuid, dataSubjectEmail: mess(c, p.email), profiles: profiles.map(x => x[0]) } };
  };
  save(name, { 'export.jsonl': Array.from({ length: 90 }, (_, i) => json(event(i + 1))).join('\n') }, truth);
}
