// DuckDB doing the dry run's work: parse an export of gen and map every row to
// its request body, as mapping-*.yaml says. Prints the rows and the bodies' bytes.
//
//   node duckdb.mjs csv|jsonl FILE THREADS
import {DuckDBInstance} from '@duckdb/node-api';

const [kind, file, threads] = process.argv.slice(2);
const db = await (await DuckDBInstance.create(':memory:', {threads})).connect();
const quoted = `'${file.replaceAll("'", "''")}'`;
const from = {
  csv: `(SELECT * FROM read_csv(${quoted}, all_varchar = true, header = true, delim = ',', quote = '"'))`,
  jsonl: `(SELECT customer.id AS customer_id, customer.email AS email, * EXCLUDE (customer) FROM read_json(${quoted}, format = 'newline_delimited',
    columns = {customer: 'STRUCT(id VARCHAR, email VARCHAR)', consented_at: 'VARCHAR', decision: 'VARCHAR', purpose: 'VARCHAR', channel: 'VARCHAR', record: 'BIGINT'}))`,
}[kind];
if (!from) throw new Error('usage: node duckdb.mjs csv|jsonl FILE THREADS');
const body = `'{"action":"' || CASE decision WHEN 'yes' THEN 'accept' WHEN 'no' THEN 'reject' ELSE error('unlisted decision') END
  || '","timestamp":' || epoch_ms(consented_at::TIMESTAMP)
  || ',"validUntil":' || epoch_ms(consented_at::TIMESTAMP + INTERVAL 395 DAY)
  || ',"source":"' || channel || '","category":"' || purpose || '","userId":"' || customer_id || '","email":"' || email
  || '","message":"Migrated from the old preference centre, record ' || record || '"}'`;
const result = await db.runAndReadAll(`SELECT count(*), sum(length(body)) FROM (SELECT ${body} AS body FROM ${from})`);
console.log('rows', ...result.getRows()[0].map(String));
