// Writes tcf.jsonl: TC strings made by @iabtcf/core 1.5.6, an encoder that
// shares no code with ours, and what is in them. To run it again:
//
//	npm install --no-save @iabtcf/core@1.5.6 && node tcf-vectors.mjs > tcf.jsonl
import { TCModel, TCString, GVL, Segment } from '@iabtcf/core';

// A vendor list of our own: the encoder wants one, and drops what is not in it.
const purposes = {}, specialFeatures = {}, vendors = {};
for (let id = 1; id <= 24; id++) purposes[id] = { id, name: `p${id}` };
for (let id = 1; id <= 12; id++) specialFeatures[id] = { id, name: `f${id}` };
const all = Object.keys(purposes).map(Number);
for (let id = 1; id <= 1500; id++) {
  vendors[id] = { id, name: `v${id}`, purposes: all, legIntPurposes: all.slice(1), flexiblePurposes: all.slice(1), specialPurposes: [], features: [], specialFeatures: [1, 2] };
}
const list = { gvlSpecificationVersion: 3, vendorListVersion: 48, tcfPolicyVersion: 4, lastUpdated: '2024-04-04T16:00:27Z', purposes, specialPurposes: {}, features: {}, specialFeatures, stacks: {}, dataCategories: {}, vendors };

let state = 20260501;
const random = (n) => { state = (Math.imul(state, 1664525) + 1013904223) >>> 0; return Math.floor(state / 2 ** 32 * n); };

for (let i = 0; i < 60; i++) {
  const gvl = new GVL(JSON.parse(JSON.stringify(list)));
  await gvl.readyPromise;
  const m = new TCModel(gvl);
  m.cmpId = 1 + random(400);
  m.cmpVersion = 1 + random(60);
  m.consentScreen = random(20);
  m.consentLanguage = ['EN', 'DE', 'FR', 'NL', 'SV'][i % 5];
  m.publisherCountryCode = ['AA', 'DE', 'FR', 'BE', 'US'][i % 5];
  m.isServiceSpecific = i % 2 === 0;
  m.useNonStandardTexts = i % 7 === 0;
  m.purposeOneTreatment = i % 11 === 0;
  const consents = i === 0 ? [] : i === 1 ? all : all.filter(() => random(2) === 1);
  const legitimate = all.slice(1).filter(() => random(2) === 1);
  m.purposeConsents.set(consents);
  if (legitimate.length) m.purposeLegitimateInterests.set(legitimate);
  if (i % 4) m.specialFeatureOptins.set([1 + random(2)]);
  const some = (n) => Array.from({ length: n }, () => 1 + random(1500));
  if (i % 3) m.vendorConsents.set(i % 5 === 1 ? Array.from({ length: 1200 }, (_, k) => k + 1) : some(1 + random(i % 2 ? 6 : 300)));
  if (i % 6 > 1) m.vendorLegitimateInterests.set(some(1 + random(40)));
  if (i % 8 === 3) m.publisherConsents.set([1, 2, 3]);
  if (i % 8 === 5) m.vendorsDisclosed.set(some(20));
  const created = new Date(Date.UTC(2019 + random(7), random(12), 1 + random(28), random(24), random(60), random(60), random(10) * 100));
  const updated = i % 2 ? created : new Date(+created + random(30_000_000) * 1000);
  m.created = created;
  m.lastUpdated = updated;
  const segments = [Segment.CORE];
  if (i % 8 === 3) segments.push(Segment.PUBLISHER_TC);
  if (i % 8 === 5) segments.push(Segment.VENDORS_DISCLOSED);
  // The encoder stamps times and rounds them to the day when it prepares a
  // model; encoding the segments by itself keeps what was set above.
  const string = TCString.encode(m, { version: 2, segments });
  console.log(JSON.stringify({ string, created: +created, updated: +updated, consents }));
}
