// As an application whose columns are encrypted and that does not know it: Knex and TypeORM; one JSON line a step. The
// surroundings are those of orm.js.
"use strict";
const fs = require("fs");

const password = fs.readFileSync(0, "utf8").trim();
const connection = {
  host: process.env.PGHOST, port: Number(process.env.PGPORT), user: process.env.PGUSER, password,
  database: process.env.PGDATABASE, ssl: { ca: fs.readFileSync(process.env.PGSSLROOTCERT) },
};
const row = {
  id: 7, email: "ada@example.org", pin: "4711", age: 36, visits: "9000000000000000000", paid: "12.50", active: true,
  token: "7e9a1c52-0000-4000-8000-00000000000a", born: "1815-12-10", extra: { k: [1, "zwei"] }, note: "plain",
};

async function step(name, work) {
  try {
    console.log(JSON.stringify({ name, value: await work() }));
  } catch (error) {
    console.log(JSON.stringify({ name, code: error.code || "", error: String(error.message) }));
  }
}

async function knex() {
  const db = require("knex")({ client: "pg", connection, pool: { min: 0, max: 2 } });
  await step("knex.columnInfo", () => db("accounts").columnInfo());
  await step("knex.write", () => db.transaction(async (trx) => {
    const made = await trx("accounts").insert({ ...row, id: 8, extra: JSON.stringify(row.extra) }).returning(["email", "age"]);
    const found = await trx("accounts").whereIn("email", ["ada@example.org", "none"]).select("id", "pin", "paid", "extra");
    const changed = await trx("accounts").where({ age: 36 }).update({ email: "grace@example.org" });
    const grouped = await trx("accounts").groupBy("email").select("email").count("* as n");
    const gone = await trx("accounts").where({ email: "grace@example.org" }).del();
    return { made, found, changed, grouped, gone };
  }));
  await step("knex.refused", () => db("accounts").where("email", "like", "a%").select("id"));
  await db.destroy();
}

async function typeorm() {
  const { DataSource, EntitySchema, In } = require("typeorm");
  const Account = new EntitySchema({
    name: "Account", tableName: "accounts",
    columns: {
      id: { type: "int", primary: true }, email: { type: "text", nullable: true },
      pin: { type: "varchar", length: 20, nullable: true }, age: { type: "int", nullable: true },
      visits: { type: "bigint", nullable: true }, paid: { type: "numeric", precision: 8, scale: 2, nullable: true },
      active: { type: "boolean", nullable: true }, token: { type: "uuid", nullable: true },
      born: { type: "date", nullable: true }, extra: { type: "jsonb", nullable: true }, note: { type: "text", nullable: true },
    },
  });
  const source = new DataSource({ type: "postgres", host: connection.host, port: connection.port, username: connection.user,
                                  password, database: connection.database, ssl: connection.ssl, entities: [Account],
                                  synchronize: false, installExtensions: false });
  await step("typeorm.initialize", async () => { await source.initialize(); return true; });
  if (!source.isInitialized) return;
  const accounts = source.getRepository("Account");
  await step("typeorm.save", async () => { await accounts.save({ ...row }); return accounts.findOneBy({ id: 7 }); });
  await step("typeorm.update", async () => {
    await accounts.save({ id: 7, email: "new@example.org" });
    return (await accounts.find({ where: { email: In(["new@example.org"]), age: 36 } })).map((one) => one.email);
  });
  await step("typeorm.count", () => accounts.countBy({ email: "new@example.org" }));
  await step("typeorm.remove", async () => { await accounts.delete({ email: "new@example.org" }); return accounts.count(); });
  // What it would change in the database to have it as its entities say.
  await step("typeorm.differences", async () =>
    (await source.driver.createSchemaBuilder().log()).upQueries.map((one) => one.query));
  await source.destroy();
}

knex().then(typeorm).catch((error) => {
  console.log(JSON.stringify({ name: "driver", error: String(error.stack || error) }));
}).finally(() => process.exit(0));
