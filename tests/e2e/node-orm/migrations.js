// As a depot's owner: a chain of Knex's migrations and one of TypeORM's, over tables that policies protect, up, down
// and up again. PGHOST … PGSSLROOTCERT say where, stdin holds the password. Prints "done".
"use strict";
const fs = require("fs");

const connection = {
  host: process.env.PGHOST, port: Number(process.env.PGPORT), user: process.env.PGUSER,
  password: fs.readFileSync(0, "utf8").trim(), database: process.env.PGDATABASE,
  ssl: { ca: fs.readFileSync(process.env.PGSSLROOTCERT) },
};

const chain = {
  "01_widen": {
    up: (db) => db.schema.withSchema("shop").alterTable("customers", (t) => { t.string("note", 400).alter(); t.integer("score"); }),
    down: (db) => db.schema.withSchema("shop").alterTable("customers", (t) => { t.text("note").alter(); t.dropColumn("score"); }),
  },
  "02_drop_and_rename": {
    up: (db) => db.schema.withSchema("shop").alterTable("orders", (t) => { t.dropColumn("margin"); t.renameColumn("item", "what"); }),
    down: (db) => db.schema.withSchema("shop").alterTable("orders", (t) => { t.renameColumn("what", "item"); t.decimal("margin", 10, 2); }),
  },
  "03_tables": {
    up: async (db) => {
      await db.schema.withSchema("shop").createTable("labels", (t) => { t.increments(); t.bigInteger("customer").references("id").inTable("shop.customers"); });
      await db.schema.withSchema("shop").alterTable("tickets", (t) => { t.unique(["tenant", "title", "id"]); t.bigInteger("hours").alter(); });
    },
    down: async (db) => {
      await db.schema.withSchema("shop").alterTable("tickets", (t) => { t.dropUnique(["tenant", "title", "id"]); t.integer("hours").alter(); });
      await db.schema.withSchema("shop").dropTable("labels");
    },
  },
};

async function knex() {
  const db = require("knex")({ client: "pg", connection, pool: { min: 0, max: 2 } });
  const source = {
    getMigrations: async () => Object.keys(chain), getMigrationName: (name) => name, getMigration: async (name) => chain[name],
  };
  const options = { migrationSource: source, schemaName: "public" };
  await db.migrate.latest(options);
  await db.migrate.rollback(options, true);
  await db.migrate.latest(options);
  await db.destroy();
}

class Regrade1700000000001 {
  async up(runner) {
    await runner.query("CREATE TYPE shop.rank AS ENUM ('low', 'high')");
    await runner.query("ALTER TABLE shop.tickets ADD rank shop.rank");
    await runner.query("ALTER TABLE shop.tickets ALTER tenant TYPE varchar(80)");
  }
  async down(runner) {
    await runner.query("ALTER TABLE shop.tickets ALTER tenant TYPE text");
    await runner.query("ALTER TABLE shop.tickets DROP COLUMN rank");
    await runner.query("DROP TYPE shop.rank");
  }
}
class Swap1700000000002 {
  async up(runner) {
    await runner.query("CREATE TABLE shop.leads_new (LIKE shop.leads INCLUDING ALL)");
    await runner.query("INSERT INTO shop.leads_new OVERRIDING SYSTEM VALUE SELECT * FROM shop.leads");
    await runner.query("DROP TABLE shop.leads");
    await runner.query("ALTER TABLE shop.leads_new RENAME TO leads");
  }
  async down(runner) {
    await runner.query("ALTER TABLE shop.leads ADD back int");
    await runner.query("ALTER TABLE shop.leads DROP back");
  }
}

async function typeorm() {
  const { DataSource } = require("typeorm");
  const { host, port, user, password, database, ssl } = connection;
  const source = new DataSource({ type: "postgres", host, port, username: user, password, database, ssl,
                                  migrations: [Regrade1700000000001, Swap1700000000002], migrationsTransactionMode: "each" });
  await source.initialize();
  await source.runMigrations();
  await source.undoLastMigration();
  await source.undoLastMigration();
  await source.runMigrations();
  await source.destroy();
}

knex().then(typeorm).then(() => console.log("done")).catch((error) => { console.error(error); process.exit(1); });
