// libpqxx through the target: the connection comes from libpq's environment (PGHOST ... PGPASSFILE).
// Prints one line a check, "ok NAME" or "failed NAME: why"; exits with the number of failures.
#include <exception>
#include <functional>
#include <iostream>
#include <numeric>
#include <pqxx/pqxx>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace {

void expect(bool condition, const char* what) {
  if (!condition) throw std::runtime_error(what);
}

void parameters_and_types() {
  pqxx::connection connection;
  pqxx::work work(connection);
  const auto row = work.exec_params1("select $1::int + 1, $2::text, $3::text is null", 41, "grüße", nullptr);
  expect(row[0].as<int>() == 42 && row[1].as<std::string>() == "grüße" && row[2].as<bool>(), "values");
}

void prepared_statements() {
  pqxx::connection connection;
  connection.prepare("twice", "select $1::int * 2");
  pqxx::work work(connection);
  for (int i = 0; i < 50; ++i) {
    expect(work.exec_prepared1("twice", i)[0].as<int>() == i * 2, "result");
  }
}

void transactions() {
  pqxx::connection connection;
  {
    pqxx::nontransaction work(connection);
    work.exec0("create temp table t(a int primary key)");
  }
  try {
    pqxx::work work(connection);
    work.exec0("insert into t values (1)");
    work.exec0("insert into t values (1)");
    expect(false, "a duplicate was taken");
  } catch (const pqxx::unique_violation& violation) {
    expect(violation.sqlstate() == "23505", "SQLSTATE");
  }
  pqxx::work work(connection);
  {
    pqxx::subtransaction inner(work, "inner");
    inner.exec0("insert into t values (2)");
    inner.commit();
  }
  work.commit();
  pqxx::read_transaction check(connection);
  expect(check.exec1("select count(*) from t")[0].as<int>() == 1, "rows");
}

void pipelines() {
  pqxx::connection connection;
  pqxx::nontransaction work(connection);
  pqxx::pipeline pipeline(work);
  std::vector<pqxx::pipeline::query_id> ids;
  for (int i = 0; i < 100; ++i) ids.push_back(pipeline.insert("select " + std::to_string(i)));
  for (int i = 0; i < 100; ++i) {
    expect(pipeline.retrieve(ids[static_cast<std::size_t>(i)])[0][0].as<int>() == i, "order");
  }
}

void copies() {
  pqxx::connection connection;
  pqxx::work work(connection);
  work.exec0("create temp table c(a int, b text)");
  pqxx::stream_to in(work, "c", std::vector<std::string>{"a", "b"});
  for (int i = 0; i < 5000; ++i) in << std::make_tuple(i, "tab\there " + std::to_string(i));
  in.complete();
  int rows = 0;
  long sum = 0;
  pqxx::stream_from out(work, std::string("c"));
  std::tuple<int, std::string> row;
  while (out >> row) {
    ++rows;
    sum += std::get<0>(row);
  }
  out.complete();
  expect(rows == 5000 && sum == 5000L * 4999 / 2, "rows");
}

void cursors() {
  pqxx::connection connection;
  pqxx::work work(connection);
  pqxx::icursorstream cursor(work, "select generate_series(1,1000)", "walk", 64);
  pqxx::result part;
  int rows = 0;
  while (cursor >> part) rows += static_cast<int>(part.size());
  expect(rows == 1000, "rows");
}

void large_objects() {
  pqxx::connection connection;
  pqxx::work work(connection);
  const std::string content(300000, 'l');
  pqxx::largeobject made(work);
  {
    pqxx::largeobjectaccess access(work, made.id());
    access.write(content);
  }
  pqxx::largeobjectaccess access(work, made.id(), std::ios::in);
  std::string back(content.size(), ' ');
  expect(access.read(back.data(), back.size()) == static_cast<long>(content.size()) && back == content, "content");
}

void notifications() {
  struct Receiver final : pqxx::notification_receiver {
    using notification_receiver::notification_receiver;
    std::string payload;
    int pid = 0;
    void operator()(const std::string& text, int backend) override { payload = text; pid = backend; }
  };
  pqxx::connection connection;
  Receiver receiver(connection, "pqxx_channel");
  {
    pqxx::work work(connection);
    work.exec0("notify pqxx_channel, 'payload'");
    work.commit();
  }
  connection.await_notification(5, 0);
  expect(receiver.payload == "payload", "payload");
  expect(receiver.pid == connection.backendpid(), "the notifier's pid is not the connection's own");
}

}  // namespace

int main() {
  const std::vector<std::pair<const char*, std::function<void()>>> checks{
      {"parameters_and_types", parameters_and_types}, {"prepared_statements", prepared_statements},
      {"transactions", transactions}, {"pipelines", pipelines}, {"copies", copies}, {"cursors", cursors},
      {"large_objects", large_objects}, {"notifications", notifications}};
  int failures = 0;
  for (const auto& [name, check] : checks) {
    try {
      check();
      std::cout << "ok " << name << std::endl;
    } catch (const std::exception& error) {
      ++failures;
      std::cout << "failed " << name << ": " << error.what() << std::endl;
    }
  }
  return failures;
}
