// As a masked consumer: node-postgres, Knex and TypeORM; one JSON line a step. PGHOST, PGPORT, PGUSER, PGDATABASE,
// PGSSLROOTCERT say where, stdin holds the password.
"use strict";
const fs = require("fs");
const { Client } = require("pg");

const password = fs.readFileSync(0, "utf8").trim();
const connection = {
  host: process.env.PGHOST, port: Number(process.env.PGPORT), user: process.env.PGUSER, password,
  database: process.env.PGDATABASE, ssl: { ca: fs.readFileSync(process.env.PGSSLROOTCERT) },
};

async function step(name, work) {
  try {
    console.log(JSON.stringify({ name, value: await work() }));
  } catch (error) {
    console.log(JSON.stringify({ name, code: error.code || "", error: String(error.message) }));
  }
}

async function nodePostgres() {
  const client = new Client(connection);
  await client.connect();
  await step("pg.masked", async () => (await client.query("SELECT id, email, ssn, born FROM shop.customers WHERE id = $1", [4])).rows);
  await step("pg.named", async () => (await client.query({ name: "by-id", text: "SELECT note FROM shop.customers WHERE id = $1", values: [6] })).rows);
  await step("pg.binary", async () => (await client.query({ text: "SELECT count(*)::int AS n FROM shop.customers", binary: true })).rows);
  await step("pg.refused", async () => (await client.query("SELECT secret FROM shop.customers")).rows);
  await client.query("SET search_path = shop");
  await step("pg.search_path", async () => (await client.query("SELECT count(*) FROM tickets")).rows);
  await client.end();
}

async function knex() {
  const db = require("knex")({ client: "pg", connection, searchPath: ["shop"], pool: { min: 0, max: 2 } });
  await step("knex.select", () => db("customers").select("id", "email").where("country", "de").orderBy("id").limit(2));
  await step("knex.join", () => db("orders as o").join("customers as c", "c.id", "o.customer").select("o.id", "c.code").where("o.item", "lamp").orderBy("o.id").limit(2));
  await step("knex.aggregate", () => db("orders").groupBy("item").orderBy("item").select("item").count("* as n").sum("amount as s"));
  await step("knex.write", () => db.transaction(async (trx) => {
    const made = await trx("tickets").insert({ id: 950, tenant: "north", title: "by knex" }).returning(["id", "title"]);
    const changed = await trx("tickets").where({ id: 950 }).update({ state: "closed" });
    const gone = await trx("tickets").where({ id: 950 }).del();
    return { made, changed, gone };
  }));
  await step("knex.otherTenant", () => db("tickets").insert({ id: 951, tenant: "lake", title: "planted" }));
  await step("knex.maskedColumn", () => db("leads").where({ id: 4 }).update({ name: "lead 4" }));
  await step("knex.columnInfo", async () => Object.keys(await db("customers").columnInfo()).sort());
  await step("knex.hasTable", async () => [await db.schema.hasTable("customers"), await db.schema.hasTable("history")]);
  await step("knex.migrate", () => db.schema.createTable("mine", (table) => table.increments()));
  await db.destroy();
}

async function typeorm() {
  const { DataSource, EntitySchema } = require("typeorm");
  const Ticket = new EntitySchema({
    name: "Ticket", tableName: "tickets", schema: "shop",
    columns: { id: { type: "bigint", primary: true }, tenant: { type: "text" }, title: { type: "text" },
               state: { type: "text", nullable: true }, hours: { type: "int", nullable: true } },
  });
  const Customer = new EntitySchema({
    name: "Customer", tableName: "customers", schema: "shop",
    columns: { id: { type: "bigint", primary: true }, code: { type: "text" }, email: { type: "text" }, note: { type: "text" } },
  });
  const source = new DataSource({ type: "postgres", host: connection.host, port: connection.port, username: connection.user,
                                  password, database: connection.database, ssl: connection.ssl, schema: "shop",
                                  entities: [Ticket, Customer], synchronize: false, installExtensions: false });
  await step("typeorm.initialize", async () => { await source.initialize(); return true; });
  if (!source.isInitialized) return;
  await step("typeorm.find", () => source.getRepository("Customer").find({ where: { code: "N8" } }));
  await step("typeorm.count", () => source.getRepository("Customer").count());
  await step("typeorm.save", () => source.transaction(async (manager) => {
    const tickets = manager.getRepository("Ticket");
    await tickets.save({ id: "960", tenant: "north", title: "by typeorm", state: "open", hours: 1 });
    const found = await tickets.findOneBy({ id: "960" });
    await tickets.save({ ...found, state: "closed" });
    const again = await tickets.findOneBy({ id: "960" });
    await tickets.remove(again);
    return again;
  }));
  await step("typeorm.maskedColumn", () => source.getRepository("Customer").save({ id: "8", email: "new@example.org" }));
  await step("typeorm.getTable", async () => {
    const runner = source.createQueryRunner();
    try {
      const table = await runner.getTable("shop.customers");
      return table ? table.columns.map((column) => column.name).sort() : null;
    } finally {
      await runner.release();
    }
  });
  await source.destroy();
}

nodePostgres().then(knex).then(typeorm).catch((error) => {
  console.log(JSON.stringify({ name: "driver", error: String(error.stack || error) }));
}).finally(() => process.exit(0));
