"""Tables on the web and in buckets give what their files give, and whatever fails is one sentence."""

import gzip
import io
import pickle
import socket
import ssl
import sys

import hypothesis.strategies as st
import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings

import regress
from regress.api.inspect import inspect
from regress.errors import INSTALL_CLOUD, InputError, MissingDependencyError, TableError
from regress.sources import buckets, transfer, web
from regress.sources.open import open_table
from regress.sources.transfer import ReadAhead
from tests.command import run
from tests.examples import examples
from tests.servers import serving

ROWS = 6000
TEXT = "x,z,y\n" + "".join(f"{i},{i * i % 7},{3 * i + i % 5}\n" for i in range(ROWS))
OTHER = TEXT.replace("\n1,1,4\n", "\n1,1,5\n")
KEY, SECRET = "AKIAVERYSECRET", "this-is-the-password"


@pytest.fixture
def local(tmp_path):
    (tmp_path / "t.csv").write_text(TEXT)
    return tmp_path / "t.csv"


@pytest.fixture(autouse=True)
def impatient(monkeypatch):
    monkeypatch.setattr(transfer, "_DELAYS", (0.0,) * 4)


@pytest.fixture
def server(monkeypatch):
    for name in ("http_proxy", "HTTP_PROXY"):
        monkeypatch.delenv(name, raising=False)
    with serving() as served:
        served.files["/data/t.csv"] = TEXT.encode()
        yield served


@pytest.fixture(scope="module")
def moto():
    pytest.importorskip("s3fs")
    server = pytest.importorskip("moto.server").ThreadedMotoServer(port=0, verbose=False)
    server.start()
    _, port = server.get_host_and_port()
    yield f"http://127.0.0.1:{port}"
    server.stop()


@pytest.fixture
def bucket(moto, monkeypatch):
    """A bucket with some objects, as boto3 sees it."""
    import boto3

    monkeypatch.setenv("AWS_ACCESS_KEY_ID", KEY)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET)
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.setenv("AWS_ENDPOINT_URL", moto)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    made = boto3.resource("s3").Bucket("bucket")
    made.create()
    lines = TEXT.splitlines(keepends=True)
    made.put_object(Key="one/t.csv", Body=TEXT.encode())
    made.put_object(Key="two/a.csv", Body="".join(lines[:2000]).encode())
    made.put_object(Key="two/b.csv", Body="".join([lines[0], *lines[2000:]]).encode())
    made.put_object(Key="two/_SUCCESS", Body=b"")
    yield made
    made.objects.all().delete()
    made.delete()
    made.meta.client.close()


def certificate_error():
    error = ssl.SSLCertVerificationError("verify")
    error.verify_message = "self-signed certificate"
    return error


def same(fit, other):
    """Tell whether two fits have the same bits."""
    return fit.w.tobytes() == other.w.tobytes() and fit.b == other.b and fit.tally == other.tally


# Buckets


@pytest.mark.parametrize("address", ["one/t.csv", "two/*.csv", "two", "two/", "*/[ab].csv"])
def test_a_table_in_a_bucket_gives_what_its_file_gives(bucket, local, address):
    fit = regress.fit(f"s3://bucket/{address}", "y", cov_type="HC1")  # residuals take a second pass
    expected = regress.fit(local, "y", cov_type="HC1")
    assert fit.w.tobytes() == expected.w.tobytes()
    assert fit.coefficients["std_err"].tolist() == pytest.approx(expected.coefficients["std_err"].tolist(), rel=1e-12)
    assert fit.tally.used == ROWS


def test_without_the_right_to_list_one_object_can_be_read(bucket, moto, server, local, monkeypatch):
    monkeypatch.setenv("AWS_ENDPOINT_URL", server.url)
    server.behind, server.denied = moto, "list-type"
    assert same(regress.fit("s3://bucket/one/t.csv", "y"), regress.fit(local, "y"))
    with pytest.raises(TableError, match=r"s3://bucket/two/\*\.csv cannot be read: access is denied.*name one object"):
        regress.fit("s3://bucket/two/*.csv", "y")


@pytest.mark.parametrize("change", ["replaced", "deleted"])
def test_an_object_that_changes_between_two_passes_is_refused(bucket, change):
    def meddle(what, *_):
        if what == "iterations":
            made = bucket.Object("one/t.csv")
            made.put(Body=OTHER.encode()) if change == "replaced" else made.delete()

    with pytest.raises(TableError, match=r"^s3://bucket/one/t\.csv changed while it was read"):
        regress.fit("s3://bucket/one/t.csv", "y", cov_type="HC1", solver="cg", progress=meddle)


def test_connections_that_break_off_change_nothing(bucket, moto, server, local, monkeypatch):
    monkeypatch.setenv("AWS_ENDPOINT_URL", server.url)
    server.behind, server.breaks, server.broken = moto, 10_000, 3
    assert same(regress.fit("s3://bucket/one/t.csv", "y"), regress.fit(local, "y"))
    assert sum("GET /bucket/one/t.csv" in line for line in server.asked) == 8


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("s3://bucket/none.csv", "it does not exist"),
        ("s3://nobucket/t.csv", "there is no bucket nobucket"),
        ("s3://bucket/*.tsv", r"No file matches s3://bucket/\*\.tsv"),
        ("s3://bucket", r"s3://bucket/one is a folder. Name the files by a pattern, such as 's3://bucket/one/\*\.csv'"),
    ],
)
def test_what_is_not_there_is_said(bucket, address, said):
    with pytest.raises(TableError, match=said):
        regress.fit(address, "y")


def test_missing_credentials_are_said_without_the_others(bucket, monkeypatch, tmp_path):
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.setenv("HOME", str(tmp_path))
    with pytest.raises(TableError, match=r"no valid credentials in the environment.*AWS_ACCESS_KEY_ID") as caught:
        regress.fit("s3://bucket/one/t.csv", "y")
    assert SECRET not in str(caught.value)


def test_a_partition_of_a_bucket_is_sent_without_credentials(bucket, tmp_path):
    source = open_table("s3://bucket/one/t.csv")
    (partition,) = source.partitions()
    sent = pickle.dumps(partition)
    assert KEY.encode() not in sent
    assert SECRET.encode() not in sent
    (batch,) = pickle.loads(sent).batches(source.kinds(["x"]))
    assert batch.numbers("x").tolist() == list(range(ROWS))
    regress.fit(source, "y").save(tmp_path / "m.json")
    assert SECRET not in (tmp_path / "m.json").read_text()


def test_parquet_in_a_bucket_is_downloaded_once_in_each_process(bucket, local):
    data = io.BytesIO()
    pl.read_csv(local).write_parquet(data)
    bucket.put_object(Key="t.parquet", Body=data.getvalue())
    source = open_table("s3://bucket/t.parquet")
    assert source.dialect == "Parquet, kept in a temporary file"
    bucket.put_object(Key="t.parquet", Body=b"other")
    assert same(regress.fit(source, "y"), regress.fit(local, "y"))
    with pytest.raises(TableError, match="changed while it was read"):
        list(pickle.loads(pickle.dumps(source.partitions()[0])).batches({"x": "number"}))


@pytest.fixture
def cloud(monkeypatch):
    """A file system of another provider than S3: objects in memory, each with a generation."""
    fsspec = pytest.importorskip("fsspec")
    memory = fsspec.get_filesystem_class("memory")

    class Cloud(memory):
        store, generation, short, calls = {}, 1, 0, 0

        def info(self, path, **_):
            return {**super().info(path), "name": path.lstrip("/"), "generation": self.generation}

        def cat_file(self, path, start=None, end=None, **_):
            self.calls += 1
            return super().cat_file(path, start, end - (10 if self.calls <= self.short else 0))

    cloud = Cloud(skip_instance_cache=True)
    monkeypatch.setattr(buckets, "_system", lambda address: (cloud, "/" + address.partition("://")[2]))
    monkeypatch.setattr(buckets, "_RANGE", 1000)
    cloud.pipe_file("/bucket/t.csv", TEXT.encode())
    return cloud


def test_other_providers_are_read_in_ranges(cloud, local):
    cloud.short = 3
    assert same(regress.fit("gs://bucket/t.csv", "y"), regress.fit(local, "y"))
    assert cloud.calls > len(TEXT) / 1000


def test_a_range_that_stays_short_is_never_the_end_of_the_file(cloud):
    cloud.short = 10**9
    cloud.pipe_file("/bucket/t.csv", b"x,y\n1,2\n")
    with pytest.raises(TableError, match=r"gs://bucket/t\.csv cannot be read: the connection broke off, in 5 tries"):
        regress.fit("gs://bucket/t.csv", "y")


def test_an_object_of_another_provider_that_changes_is_refused(cloud):
    source = open_table("gs://bucket/t.csv")
    cloud.generation = 2
    with pytest.raises(TableError, match=r"gs://bucket/t\.csv changed while it was read"):
        regress.fit(source, "y")


@pytest.mark.parametrize(("scheme", "package"), [("s3", "fsspec"), ("gs", "gcsfs"), ("az", "adlfs")])
def test_a_missing_package_is_named_with_its_remedy(scheme, package, monkeypatch):
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(MissingDependencyError, match=f"{scheme}:// needs ") as caught:
        regress.fit(f"{scheme}://bucket/t.csv", "y")
    assert INSTALL_CLOUD in str(caught.value)


# The web


def test_every_verb_takes_an_address(server, local, tmp_path):
    address, model = f"{server.url}/data/t.csv", tmp_path / "m.json"
    fit = regress.fit(address, "y")
    assert same(fit, regress.fit(local, "y"))
    fit.save(model)
    assert np.array_equal(fit.predict(address), fit.predict(local))
    assert regress.certify(fit, address).digits == regress.certify(fit, local).digits
    assert inspect(address, "y").rows == ROWS
    for words in (["fit", "{}", "--target", "y"], ["certify", model, "{}"], ["predict", model, "{}"]):
        done = [run(*(word if word != "{}" else table for word in words)) for table in (address, local)]
        assert done[0] == done[1]


@pytest.mark.parametrize("how", ["no ranges", "no length", "no tag", "gzip", "parquet"])
def test_servers_and_formats_of_every_kind_are_read(server, local, how):
    name = {"gzip": "/t.csv.gz", "parquet": "/t.parquet"}.get(how, "/data/t.csv")
    server.files["/t.csv.gz"], data = gzip.compress(TEXT.encode()), io.BytesIO()
    pl.read_csv(local).write_parquet(data)
    server.files["/t.parquet"] = data.getvalue()
    server.ranges, server.lengths, server.tags = (
        how not in ("no ranges", "no length"),
        how != "no length",
        how != "no tag",
    )
    source = open_table(server.url + name)
    assert ("kept in a temporary file" in source.dialect) == (how in ("no ranges", "no length", "parquet"))
    assert same(regress.fit(source, "y"), regress.fit(local, "y"))


@pytest.mark.parametrize("ranges", [True, False])
def test_answers_that_break_off_are_asked_for_again(server, local, ranges):
    server.ranges, server.breaks, server.broken = ranges, 20_000, 3
    assert same(regress.fit(f"{server.url}/data/t.csv", "y"), regress.fit(local, "y"))
    assert len(server.asked) > 3


@pytest.mark.parametrize("ranges", [True, False])
def test_a_connection_that_always_breaks_off_ends_in_a_sentence(server, ranges):
    server.files["/data/t.csv"] = b"x,y\n" + b"1,2\n" * 5
    server.ranges, server.breaks, server.broken = ranges, 1 if not ranges else 0, 10**9
    if ranges:
        server.status = 503
    with pytest.raises(TableError, match=r"t\.csv cannot be read: .*, in 5 tries\. Try again later\.$"):
        regress.fit(f"{server.url}/data/t.csv", "y")
    assert len(server.asked) in (5, 6)


@pytest.mark.parametrize("file", [OTHER, TEXT + "1,2,3\n", TEXT[:-30], None])
def test_a_file_on_the_web_that_changes_is_refused(server, file):
    source = open_table(f"{server.url}/data/t.csv")
    if file is None:
        del server.files["/data/t.csv"]
    else:
        server.files["/data/t.csv"] = file.encode()
    with pytest.raises(TableError, match=r"t\.csv changed while it was read"):
        regress.fit(source, "y")


def test_rows_are_read_again_from_where_they_stand(server, local):
    kinds = {"x": "number", "y": "number"}
    parts = [open_table(table).partitions()[0] for table in (f"{server.url}/data/t.csv", local)]
    read = [list(part.batches(kinds)) for part in parts]
    assert [batch.bookmark for batch in read[0]] == [batch.bookmark for batch in read[1]]
    for batch in read[1]:
        again = [part.batch_at(kinds, batch.bookmark) for part in parts]
        assert again[0].numbers("x").tolist() == again[1].numbers("x").tolist() == batch.numbers("x").tolist()


@pytest.mark.parametrize("status", [403, 404, 418])
def test_a_status_is_one_sentence_without_the_query(server, status):
    server.status = status
    with pytest.raises(TableError, match=rf"/data/t\.csv\?….*the server answers {status}") as caught:
        regress.fit(f"{server.url}/data/t.csv?sig={SECRET}", "y")
    assert SECRET not in str(caught.value)


def test_a_query_is_used_and_neither_shown_nor_saved_nor_sent(server, local, tmp_path):
    source = open_table(f"{server.url}/data/t.csv?sig={SECRET}")
    assert same(regress.fit(source, "y"), regress.fit(local, "y"))
    assert f"GET /data/t.csv?sig={SECRET}" in server.asked
    assert SECRET not in f"{source.label} {source.address} {inspect(source, 'y')}"
    page, model = tmp_path / "p.html", tmp_path / "m.json"
    words = ["--target", "y", "--test-size", "0.2", "--report", page, "--save", model]
    code, out, told = run("fit", f"{server.url}/data/t.csv?sig={SECRET}", *words)
    assert code == 0
    assert SECRET not in out + told + page.read_text() + model.read_text()
    with pytest.raises(InputError, match="a query, which may hold a secret"):
        pickle.dumps(source.partitions()[0])


@pytest.mark.parametrize(
    ("address", "said"),
    [
        (f"https://user:{SECRET}@example.org/t.csv", r"address https://example\.org/t\.csv holds a user or password"),
        (f"s3://{KEY}:{SECRET}@bucket/t.csv", "address s3://bucket/t.csv holds a user or password"),
        (f"abfs://box:{SECRET}@a.dfs.core.windows.net/t.csv", "holds a user or password"),
        ("file:///tmp/t.csv", "file:///tmp/t.csv is an address that regress does not read.*Download it"),
        ("ftp://example.org/t.csv", "does not read.*http://, https://, s3://"),
        ("simplecache::https://example.org/t.csv", "does not exist"),
        ("http://127.0.0.1:port/t.csv", "is not an address"),
    ],
)
def test_what_is_no_address_for_regress_is_refused(address, said):
    with pytest.raises(TableError, match=said) as caught:
        regress.fit(address, "y")
    assert SECRET not in str(caught.value)


@pytest.mark.parametrize(
    ("failure", "said"),
    [
        (socket.gaierror(socket.EAI_NONAME, "unknown"), "the host example.org is not known"),
        (certificate_error(), "the certificate of example.org is not valid here"),
        (ConnectionRefusedError(), "example.org refuses the connection, in 5 tries"),
        (TimeoutError(), "does not answer in time, in 5 tries"),
        (ConnectionResetError(), "the connection broke off, in 5 tries"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_a_server_that_is_not_reached_is_one_sentence(failure, said, monkeypatch):
    def fail(*_, **__):
        raise failure

    monkeypatch.setattr(socket, "create_connection", fail)
    with pytest.raises(TableError, match=said):
        regress.fit("http://example.org/t.csv", "y")


def test_a_server_that_says_nothing_is_not_waited_for(monkeypatch):
    monkeypatch.setattr(web, "SILENT", 0.05)
    with socket.create_server(("127.0.0.1", 0)) as deaf:
        with pytest.raises(TableError, match="the server does not answer in time, in 5 tries"):
            regress.fit(f"http://127.0.0.1:{deaf.getsockname()[1]}/t.csv", "y")


def test_a_server_that_is_too_slow_is_not_waited_for(server, monkeypatch):
    monkeypatch.setattr(web, "DEADLINE", -1.0)
    with pytest.raises(TableError, match="the server sends too slowly, in 5 tries"):
        regress.fit(f"{server.url}/data/t.csv", "y")


def test_a_redirection_is_followed_to_the_web_only(server, local):
    server.moved = {"/old": "/data/t.csv", "/evil": local.as_uri()}
    assert same(regress.fit(f"{server.url}/old", "y"), regress.fit(local, "y"))
    with pytest.raises(TableError, match="the server answers 302"):
        regress.fit(f"{server.url}/evil", "y")


# Reading ahead


@settings(max_examples=examples(50), deadline=None)
@given(
    data=st.binary(min_size=1, max_size=200),
    sizes=st.lists(st.integers(1, 30), min_size=1, max_size=5),
    steps=st.lists(st.tuples(st.integers(0, 210), st.integers(0, 60)), max_size=10),
)
def test_a_file_that_is_fetched_ahead_reads_as_any_other(data, sizes, steps):
    def read(start, ended):
        at, turn = start, 0
        while at < len(data):
            yield data[at : at + sizes[turn % len(sizes)]]
            at, turn = at + sizes[turn % len(sizes)], turn + 1

    file = io.BytesIO(data)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(transfer, "_BEHIND", 2)
        patch.setattr(transfer, "_AHEAD", 3)
        patch.setattr(transfer, "_START", 2)
        patch.setattr(transfer, "PIECE", 10)
        with io.BufferedReader(ReadAhead(len(data), read), 8) as remote:
            for place, count in steps:
                assert remote.seek(place) == file.seek(place)
                assert remote.read(count) == file.read(count)
            assert remote.read() == file.read()
