"""Every record of a log follows docs/formats/audit-record.schema.json, and OCSF's rule for type_uid.
Needs python3-jsonschema; without it it is skipped (exit code 77).

    python3 test_record_schema.py BIN_DIRECTORY
"""
import json
import os
import shutil
import subprocess
import sys
import tempfile

try:
    import jsonschema
except ImportError:
    print("skipped: python3-jsonschema is not installed")
    sys.exit(77)

HERE = os.path.dirname(os.path.abspath(__file__))


def entries(tree):
    size = int(open(os.path.join(tree, "checkpoint")).read().split("\n")[1])
    for n in range(0, size, 256):
        path = os.path.join(tree, "tile/entries", f"{n // 256:03}")
        if size - n < 256:
            path = os.path.join(path + ".p", str(size - n))
        data = open(path, "rb").read()
        while data:
            length = int.from_bytes(data[:2], "big")
            yield data[2:2 + length]
            data = data[2 + length:]


def no_duplicates(pairs):
    names = [name for name, _ in pairs]
    assert len(names) == len(set(names)), names
    return dict(pairs)


def main():
    schema = json.load(open(os.path.join(HERE, "../../docs/formats/audit-record.schema.json")))
    jsonschema.Draft7Validator.check_schema(schema)
    validator = jsonschema.Draft7Validator(schema)
    scratch = tempfile.mkdtemp(prefix="bartizan-schema-")
    classes, events = {}, set()
    try:
        log = scratch + "/log"
        subprocess.run([os.path.join(sys.argv[1], "audit_write_log"), log, "300"], check=True, capture_output=True)
        subprocess.run([os.path.join(sys.argv[1], "audit_write_log"), "classes", scratch + "/classes"], check=True)
        trees = [f"{folder}/tree/{tree}" for folder in (log, scratch + "/classes") for tree in os.listdir(folder + "/tree")]
        for tree in trees:
            for entry in entries(tree):
                if not entry.startswith(b"{"):
                    continue
                record = json.loads(entry.decode("utf-8"), object_pairs_hook=no_duplicates)
                validator.validate(record)
                assert record["type_uid"] == record["class_uid"] * 100 + record["activity_id"]
                key = (record["class_uid"], record["activity_id"], record["status_id"])
                classes[key] = classes.get(key, 0) + 1
                events.add(record["unmapped"]["bartizan"]["event"])
    finally:
        shutil.rmtree(scratch)
    print(classes)
    # Between them every event there is, also those that nothing emits yet.
    assert events | {"sign_out", "execute", "cancel"} == set(
        schema["properties"]["unmapped"]["properties"]["bartizan"]["properties"]["event"]["enum"]), events
    assert {key[0] for key in classes} == {6005, 3002, 3005, 3006, 6003} and {key[2] for key in classes} == {0, 1, 2, 99}
    for broken in ({}, {"class_uid": 6005}):
        assert not validator.is_valid(broken)
    return 0


if __name__ == "__main__":
    sys.exit(main())
