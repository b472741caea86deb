// node-postgres through the target: TLS verified, SCRAM, the shapes of work that applications do.
// Reads its connection from the environment and the password from stdin; prints one JSON line per check.
'use strict';
const assert = require('node:assert');
const fs = require('node:fs');
const { Client, Pool } = require('pg');

const connection = {
  host: process.env.PGHOST,
  port: Number(process.env.PGPORT),
  user: process.env.PGUSER,
  database: process.env.PGDATABASE,
  password: fs.readFileSync(0, 'utf8').replace(/\n$/, ''),
  ssl: { ca: fs.readFileSync(process.env.PGSSLROOTCERT, 'utf8'), rejectUnauthorized: true },
};

async function connected(work, extra = {}) {
  const client = new Client({ ...connection, ...extra });
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}

const checks = {
  async tls_is_1_3() {
    await connected(async (client) => {
      assert.strictEqual(client.connection.stream.getProtocol(), 'TLSv1.3');
      assert.strictEqual(client.connection.stream.authorized, true);
    });
  },
  async simple_and_parameters() {
    await connected(async (client) => {
      const { rows } = await client.query('select $1::int + 1 as n, $2::text as t, $3::jsonb as j', [41, 'grüße', { a: [1] }]);
      assert.deepStrictEqual(rows, [{ n: 42, t: 'grüße', j: { a: [1] } }]);
      const many = await client.query('select 1 as a; select 2 as b');
      assert.strictEqual(many.length, 2);
    });
  },
  async prepared_by_name() {
    await connected(async (client) => {
      for (let i = 0; i < 20; i++) {
        const { rows } = await client.query({ name: 'double', text: 'select $1::int * 2 as n', values: [i] });
        assert.strictEqual(rows[0].n, i * 2);
      }
    });
  },
  async errors_keep_their_fields_and_the_session() {
    await connected(async (client) => {
      await assert.rejects(client.query('select 1/0'), { code: '22012' });
      await assert.rejects(client.query('selec 1'), { code: '42601', position: '1' });
      await assert.rejects(client.query('select $1::int', ['x']), { code: '22P02' });
      assert.strictEqual((await client.query('select 7 as n')).rows[0].n, 7);
    });
  },
  async transaction() {
    await connected(async (client) => {
      await client.query('create temp table t(a int primary key)');
      await client.query('begin');
      await client.query('insert into t values ($1)', [1]);
      await assert.rejects(client.query('insert into t values ($1)', [1]), { code: '23505', table: 't' });
      await assert.rejects(client.query('select 1'), { code: '25P02' });
      await client.query('rollback');
      assert.strictEqual((await client.query('select count(*)::int as n from t')).rows[0].n, 0);
    });
  },
  async notifications_and_notices() {
    await connected(async (client) => {
      const notices = [];
      client.on('notice', (notice) => notices.push(notice.message));
      await client.query("do $$ begin raise notice 'hello'; end $$");
      assert.deepStrictEqual(notices, ['hello']);
      const notified = new Promise((resolve) => client.once('notification', resolve));
      await client.query('listen node_channel');
      await connected((other) => other.query("select pg_notify('node_channel', 'payload')"));
      assert.strictEqual((await notified).payload, 'payload');
    });
  },
  async startup_parameters() {
    await connected(async (client) => {
      assert.strictEqual((await client.query('show statement_timeout')).rows[0].statement_timeout, '4321ms');
      assert.strictEqual((await client.query('show application_name')).rows[0].application_name, 'node-e2e');
    }, { statement_timeout: 4321, application_name: 'node-e2e' });
  },
  async pool_of_many() {
    const pool = new Pool({ ...connection, max: 8 });
    const results = await Promise.all(Array.from({ length: 200 }, (_, i) => pool.query('select $1::int as n', [i])));
    assert.deepStrictEqual(results.map((r) => r.rows[0].n), Array.from({ length: 200 }, (_, i) => i));
    await pool.end();
  },
  async large_value_both_ways() {
    await connected(async (client) => {
      const big = 'x'.repeat(8 * 1024 * 1024);
      assert.strictEqual((await client.query('select $1::text as v', [big])).rows[0].v, big);
    });
  },
  async wrong_password_is_refused() {
    await assert.rejects(connected(async () => {}, { password: 'wrong' }), { code: '28P01' });
  },
  async unknown_authority_is_refused() {
    await assert.rejects(connected(async () => {}, { ssl: { ca: fs.readFileSync(process.env.OTHER_CA, 'utf8') } }));
  },
};

(async () => {
  let failed = false;
  for (const [name, check] of Object.entries(checks)) {
    try {
      await check();
      console.log(JSON.stringify({ name, ok: true }));
    } catch (error) {
      failed = true;
      console.log(JSON.stringify({ name, ok: false, error: String(error.stack).slice(0, 600) }));
    }
  }
  process.exit(failed ? 1 : 0);
})();
