"""The checks find what they are for, and only that: module edges, co_await shapes, words."""

import json
import pathlib
import shutil
import subprocess
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent


def run(*command, cwd=None):
    return subprocess.run([str(part) for part in command], cwd=cwd, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, timeout=120, check=False)


class ModuleGraph(unittest.TestCase):
    def configure(self, call):
        with tempfile.TemporaryDirectory() as folder:
            text = f"""cmake_minimum_required(VERSION 3.25)
                       project(probe NONE)
                       list(APPEND CMAKE_MODULE_PATH {ROOT}/cmake)
                       include(modules)
                       include(bartizan_module)
                       {call}"""
            (pathlib.Path(folder) / "CMakeLists.txt").write_text(text, encoding="utf-8")
            return run("cmake", "-S", folder, "-B", f"{folder}/build")

    def test_an_edge_that_is_not_listed_fails_the_configure_step(self):
        result = self.configure("bz_module(NAME session DEPS net SOURCES x.cpp)")
        self.assertNotEqual(result.returncode, 0)
        self.assertIn("module 'session' may not use 'net'", " ".join(result.stdout.split()))

    def test_a_module_that_is_not_listed_fails_the_configure_step(self):
        result = self.configure("bz_module(NAME nowhere DEPS base SOURCES x.cpp)")
        self.assertIn("does not stand in", " ".join(result.stdout.split()))

    def test_listed_edges_point_downward_only(self):
        text = (ROOT / "cmake" / "modules.cmake").read_text(encoding="utf-8")
        seen = set()
        for line in text.splitlines():
            if "<-" in line and line.strip().startswith('"'):
                name, deps = line.strip().strip('"').split("<-")
                self.assertLessEqual(set(deps.split()), seen, f"{name.strip()} uses a module that comes later")
                seen.add(name.strip())
        self.assertGreater(len(seen), 10)


class Checks(unittest.TestCase):
    """Runs the scripts in a copy of the tools beside a made-up source tree."""

    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.root = pathlib.Path(self.folder.name).resolve()
        shutil.copytree(ROOT / "tools", self.root / "tools", ignore=shutil.ignore_patterns("__pycache__"))

    def tearDown(self):
        self.folder.cleanup()

    def source(self, path, text):
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
        return file

    def words(self, path, text):
        self.source(path, text)
        result = run("tools/check-words.sh", cwd=self.root)
        shutil.rmtree(self.root / "src")
        return result.returncode

    def test_words(self):
        bad = [
            ("src/a/x.cpp", "int x = rand();\n"),
            ("src/a/x.cpp", "if (memcmp(password, other, 8) == 0) {}\n"),
            ("src/a/x.hpp", "using namespace std;\n"),
            ("src/a/x.cpp", 'BZ_LOG(Info, "x", {"k", secret.reveal_chars()});\n'),
            ("src/a/x.cpp", "class PoolManager {\n"),
            ("src/a/x.cpp", "// TODO: later\n"),
            ("src/util/x.cpp", "int x;\n"),
            ("src/a/string_utils.hpp", "int x;\n"),
        ]
        good = [
            ("src/a/x.cpp", "static Uuid random(Random& random);\nint operand(int x);\nstrand(executor);\n"),
            ("src/a/x.cpp", "// never rand()\nif (memcmp(magic, header, 4) == 0) {}\n"),
            ("src/a/x.cpp", "using namespace std::chrono_literals;\n// TODO(#7): later\n"),
            ("src/a/test/x_test.cpp", "std::mt19937 generator(1);\n"),
            ("src/a/x.cpp", "int x = rand();  // NOLINT(bartizan-words) a reason\n"),
        ]
        for path, text in bad:
            self.assertEqual(self.words(path, text), 1, f"{path}: {text}")
        for path, text in good:
            self.assertEqual(self.words(path, text), 0, f"{path}: {text}")

    def coroutines(self, body):
        head = """#include <coroutine>
        struct Task {
          struct promise_type {
            Task get_return_object() { return {}; }
            std::suspend_never initial_suspend() { return {}; }
            std::suspend_never final_suspend() noexcept { return {}; }
            void return_value(int) {}
            void unhandled_exception() {}
          };
          bool await_ready() { return true; }
          void await_suspend(std::coroutine_handle<>) {}
          int await_resume() { return 1; }
        };
        struct Pair { int a; int b; };
        Task take(Pair); Task take(int); template <class F> Task call(F f) { f(); return {}; }
        """
        file = self.source("src/a/probe.cpp", head + body)
        (self.root / "build" / "dev").mkdir(parents=True, exist_ok=True)
        entry = {"directory": str(self.root), "file": str(file),
                 "command": f"clang++-19 -std=c++20 -o {file}.o -c {file}"}
        (self.root / "build" / "dev" / "compile_commands.json").write_text(json.dumps([entry]), encoding="utf-8")
        return run("tools/check-coroutines.sh", cwd=self.root)

    def test_coroutine_shapes(self):
        bad = """Task f(bool b) {
          co_await take({1, 2});
          int x = 5;
          co_await call([x] { (void)x; });
          int y = b ? co_await take(1) : 0;
          Pair p{co_await take(1), 2};
          co_return x + y + p.a;
        }"""
        result = self.coroutines(bad)
        self.assertEqual(result.returncode, 1, result.stdout)
        self.assertEqual(result.stdout.count("not allowed"), 4, result.stdout)
        good = """Task f(bool b) {
          const Pair pair{1, 2};
          auto x = co_await take(pair);
          auto quiet = [x] { (void)x; };
          co_await call(quiet);
          if (b) x = co_await take(1);
          co_await take({1, 2});  // NOLINT(bartizan-coroutine) a reason
          co_return co_await take(x);
        }"""
        result = self.coroutines(good)
        self.assertEqual(result.returncode, 0, result.stdout)

    def test_a_file_that_does_not_parse_is_not_clean(self):
        result = self.coroutines("Task f() { co_await missing(); co_return 1; }")
        self.assertEqual(result.returncode, 1, result.stdout)


if __name__ == "__main__":
    unittest.main()
