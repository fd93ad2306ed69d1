"""Indexes, documents and searches from end to end, and what a kill -9 leaves of them."""
import json
import urllib.parse

import pytest

CONFIG = {
    "version": "0.9",
    "index_id": "logs",
    "doc_mapping": {
        "mode": "dynamic",
        "timestamp_field": "ts",
        "field_mappings": [
            {"name": "ts", "type": "datetime", "input_formats": ["unix_timestamp"],
             "output_format": "unix_timestamp_secs", "fast": True},
            {"name": "level", "type": "text", "tokenizer": "raw", "fast": True},
            {"name": "body", "type": "text", "record": "position"},
            {"name": "ms", "type": "u64", "fast": True},
        ],
    },
    "indexing_settings": {"commit_timeout_secs": 30},
    "search_settings": {"default_search_fields": ["body"]},
}
T0 = 1_700_000_000
LEVELS = ["INFO", "WARN", "ERROR"]


def document(i):
    return {"ts": T0 + i, "level": LEVELS[i % 3], "body": f"the quick request number{i} took long",
            "ms": i * 10, "pod": f"pod-{i % 4}"}


def lines(numbers):
    return "".join(json.dumps(document(i)) + "\n" for i in numbers)


def create(server, **changes):
    answer = server.request("POST", "/api/v1/indexes", json.dumps({**CONFIG, **changes}),
                            {"Content-Type": "application/json"})
    assert answer.status == 200, answer.text
    return answer.json()


def ingest(server, body, **params):
    target = "/api/v1/logs/ingest?" + urllib.parse.urlencode(params)
    answer = server.request("POST", target, body.encode())
    assert answer.status == 200, answer.text
    return answer.json()


def search(server, query, **params):
    target = "/api/v1/logs/search?" + urllib.parse.urlencode({"query": query, **params})
    answer = server.get(target)
    assert answer.status == 200, answer.text
    return answer.json()


def numbers(server, query, **params):
    """What was found, as the numbers of the documents, in order."""
    found = search(server, query, **{"max_hits": 1000, **params})
    assert found["errors"] == []
    rest = max(0, found["num_hits"] - params.get("start_offset", 0))
    assert len(found["hits"]) == min(rest, params.get("max_hits", 1000))
    return [hit["ms"] // 10 for hit in found["hits"]]


@pytest.fixture
def logs(start_server):
    server = start_server()
    create(server)
    assert ingest(server, lines(range(60)), commit="wait_for") == {
        "num_docs_for_processing": 60, "num_ingested_docs": 60, "num_rejected_docs": 0}
    return server


def test_index_is_made_shown_listed_and_deleted(start_server):
    server = start_server()
    assert server.get("/api/v1/indexes").json() == []
    made = create(server)
    assert made["index_uid"].startswith("logs:")
    config = made["index_config"]
    assert config["index_id"] == "logs"
    assert config["indexing_settings"]["commit_timeout_secs"] == 30
    assert config["search_settings"]["default_search_fields"] == ["body"]
    assert config["doc_mapping"]["timestamp_field"] == "ts"
    assert server.get("/api/v1/indexes/logs").json() == made
    assert server.get("/api/v1/indexes").json() == [made]
    assert server.get("/api/v1/indexes?index_id_patterns=x*,lo*").json() == [made]
    assert server.get("/api/v1/indexes?index_id_patterns=x*").json() == []
    again = server.request("POST", "/api/v1/indexes", json.dumps(CONFIG))
    assert again.status == 400 and "taken" in again.json()["message"]
    assert server.request("DELETE", "/api/v1/indexes/logs").json() == []
    gone = server.get("/api/v1/indexes/logs")
    assert (gone.status, gone.json()) == (404, {"message": "index `logs` not found"})
    for method, target in [("DELETE", "/api/v1/indexes/logs"), ("POST", "/api/v1/logs/ingest"),
                           ("GET", "/api/v1/logs/search?query=x")]:
        answer = server.request(method, target, "{}" if method == "POST" else None)
        assert (answer.status, answer.json()) == (404, {"message": "index `logs` not found"})


def test_index_from_yaml(start_server):
    server = start_server()
    text = ("version: 0.9\nindex_id: logs\ndoc_mapping:\n  field_mappings:\n"
            "    - name: body\n      type: text\n")
    answer = server.request("POST", "/api/v1/indexes", text, {"Content-Type": "application/yaml"})
    assert answer.status == 200, answer.text
    fields = answer.json()["index_config"]["doc_mapping"]["field_mappings"]
    assert [f["name"] for f in fields] == ["body"]


@pytest.mark.parametrize("change, word", [
    ({"version": "0.1"}, "version"),
    ({"colour": 1}, "colour"),
    ({"index_id": "no spaces"}, "no spaces"),
    ({"doc_mapping": {"field_mappings": [{"name": "x", "type": "colour"}]}}, "colour"),
    ({"indexing_settings": {"commit_timeout_secs": "soon"}}, "commit_timeout_secs"),
    ({"search_settings": {"default_search_fields": 7}}, "default_search_fields"),
    ({"index_uri": "s3://elsewhere/logs"}, "index_uri"),
])
def test_bad_configurations_are_refused(server, change, word):
    answer = server.request("POST", "/api/v1/indexes", json.dumps({**CONFIG, **change}))
    assert answer.status == 400
    assert word in answer.json()["message"]
    assert server.get("/api/v1/indexes").json() == []


@pytest.mark.parametrize("query, wanted", [
    ("*", lambda i: True),
    ("level:ERROR", lambda i: i % 3 == 2),
    ("number17", lambda i: i == 17),
    ('body:"quick request"', lambda i: True),
    ('body:"request quick"', lambda i: False),
    ('body:"request number5 took"', lambda i: i == 5),
    ("ms:[100 TO 200]", lambda i: 10 <= i <= 20),
    ("ms:{100 TO 200}", lambda i: 10 < i < 20),
    ("ms:>=550", lambda i: i >= 55),
    ("ms:70", lambda i: i == 7),
    ("pod:pod-2", lambda i: i % 4 == 2),
    ("level:WARN AND pod:pod-1", lambda i: i % 12 == 1),
    ("level:WARN OR pod:pod-1", lambda i: i % 3 == 1 or i % 4 == 1),
    ("quick AND NOT level:INFO AND ms:<100", lambda i: i % 3 != 0 and i < 10),
    ("level:IN [WARN ERROR]", lambda i: i % 3 != 0),
])
def test_queries_find_the_newest_first(logs, query, wanted):
    expected = [i for i in reversed(range(60)) if wanted(i)]
    assert numbers(logs, query) == expected
    assert numbers(logs, query, sort_by="-ts") == expected[::-1]
    assert numbers(logs, query, max_hits=3, start_offset=2) == expected[2:5]
    assert search(logs, query, max_hits=0)["num_hits"] == len(expected)


def test_time_range_has_its_start_and_not_its_end(logs):
    found = numbers(logs, "level:INFO", start_timestamp=T0 + 6, end_timestamp=T0 + 15)
    assert found == [12, 9, 6]
    assert numbers(logs, "*", start_timestamp=T0 + 58) == [59, 58]
    assert numbers(logs, "*", end_timestamp=T0 + 1) == [0]


def test_search_by_body_says_the_same(logs):
    body = {"query": "level:ERROR", "max_hits": 2, "start_timestamp": T0 + 3, "sort_by": "-ts"}
    answer = logs.request("POST", "/api/v1/logs/search", json.dumps(body))
    assert answer.status == 200
    found = answer.json()
    assert found["num_hits"] == 19
    assert found["hits"] == [document(5), document(8)]
    assert set(found) == {"num_hits", "hits", "elapsed_time_micros", "errors"}


@pytest.mark.parametrize("params, word", [
    ({"query": "level:"}, "character"),
    ({"query": "(a AND"}, "character"),
    ({"query": "ms:abc"}, "ms"),
    ({"query": "*", "max_hits": 10001}, "max_hits"),
    ({"query": "*", "sort_by": "level"}, "sort_by"),
    ({"query": "*", "colour": "red"}, "colour"),
    ({}, "query"),
])
def test_bad_searches_are_refused(logs, params, word):
    answer = logs.get("/api/v1/logs/search?" + urllib.parse.urlencode(params))
    assert answer.status == 400
    assert word in answer.json()["message"]


def nested(depth):
    """Clauses inside clauses that no rewriting can flatten; all documents match them all."""
    query = "quick"
    for k in range(depth):
        query = f"(request {'AND' if k % 2 else 'OR'} {query})"
        if k % 2:
            query = f"(took AND (nowhere OR {query}))"
    return query


def test_the_deepest_query_is_answered_and_a_deeper_one_refused(start_server):
    server = start_server()
    create(server)
    ingest(server, lines(range(3000)), commit="force")
    assert search(server, nested(45), max_hits=0)["num_hits"] == 3000
    answer = server.get("/api/v1/logs/search?" + urllib.parse.urlencode({"query": "(" * 5000 + "quick" + ")" * 5000}))
    assert answer.status == 400
    assert search(server, "quick", max_hits=0)["num_hits"] == 3000  # the server is still there


def test_bad_documents_are_told_and_the_others_kept(start_server):
    server = start_server()
    create(server)
    good = document(1)
    body = "\n".join([json.dumps(good), "", "{broken", json.dumps({"body": "no time"}),
                      json.dumps({**good, "ms": "many"}), "   ", "[1]", json.dumps(document(2))])
    told = ingest(server, body, commit="force", detailed_response="true")
    assert [told[k] for k in ("num_docs_for_processing", "num_ingested_docs",
                              "num_rejected_docs")] == [6, 2, 4]
    failures = told["parse_failures"]
    assert [f["reason"] for f in failures] == ["invalid_json", "invalid_schema", "invalid_schema",
                                               "invalid_json"]
    assert [f["message"].split(":")[0] for f in failures] == ["line 3", "line 4", "line 5",
                                                              "line 7"]
    assert failures[0]["document"] == "{broken"
    assert numbers(server, "*") == [2, 1]
    assert ingest(server, "\n \n") == {"num_docs_for_processing": 0}


def test_a_kill_loses_and_doubles_nothing(start_server, tmp_path):
    data = tmp_path / "kept"
    server = start_server(data_dir=data)
    create(server)
    ingest(server, lines(range(0, 40)), commit="force")      # published
    ingest(server, lines(range(40, 70)), commit="wait_for")  # found, not published
    ingest(server, lines(range(70, 100)))                    # durable, and no more
    server.kill()
    for _ in range(2):
        server = start_server(data_dir=data)
        ingest(server, "", commit="wait_for")
        assert numbers(server, "*") == list(range(99, -1, -1))
        assert search(server, "level:ERROR", max_hits=0)["num_hits"] == 33
        server.kill()
    server = start_server(data_dir=data)
    ingest(server, lines(range(100, 110)), commit="force")
    assert numbers(server, "*") == list(range(109, -1, -1))
    described = server.get("/api/v1/indexes/logs/describe").json()
    assert described["num_published_docs"] == 110
    assert (described["min_timestamp"], described["max_timestamp"]) == (T0, T0 + 109)
    assert described["timestamp_field_name"] == "ts"
    splits = server.request("DELETE", "/api/v1/indexes/logs").json()
    assert sum(s["num_docs"] for s in splits) == 110
    assert server.get("/api/v1/indexes").json() == []
    assert not list(data.glob("indexes/**/*.split"))
    create(server)
    assert numbers(server, "*") == []
    assert server.stop() == 0


def test_overwrite_starts_anew(logs):
    create_again = logs.request("POST", "/api/v1/indexes?overwrite=true", json.dumps(CONFIG))
    assert create_again.status == 200
    assert numbers(logs, "*") == []
    ingest(logs, lines([3]), commit="wait_for")
    assert numbers(logs, "*") == [3]
