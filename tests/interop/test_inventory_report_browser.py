"""The page of an inventory in a real browser: nothing runs, nothing leaves, the chart zooms."""

from __future__ import annotations

import contextlib
import re
import socket
import subprocess
import threading

import inventorykit
import pytest
import reportkit as kit

from evkit.bundle.inventory.page import Context, report_page

DAY = 86_400 * 10**9
FIRST = 1_735_689_600 * 10**9  # 2025-01-01


def _write(folder, rows, types=None, **context):
    path = kit.made(folder / "i.db", rows, types)
    with kit.opened(path) as inventory:
        page = report_page(inventory, Context(what="i.db", zone="+05:00", **context)).page
    path.unlink()
    target = folder / "page.html"
    target.write_bytes(page)
    return target


@pytest.fixture(scope="module")
def browser(program, tmp_path_factory):
    return kit.Browser(program("chromium"), tmp_path_factory.mktemp("browser"))


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    """A disk with ten files a day in January 2025, and some of a zone that is not known."""
    rows = kit.disk()
    inode = 11
    for day in range(31):
        for hour in range(10):
            when = {"m": str(FIRST + day * DAY + hour * 3600 * 10**9), "b": str(FIRST)}
            rows.append(kit.name(inode, f"/day{day:02d}/{hour:02d}.txt", times=when))
            inode += 1
    rows.append(kit.name(inode, "/رپورٹ/نوٹ.txt", zone="local-unknown"))
    rows += [kit.stream(n, size=n) for n in range(11, inode + 1)]
    return _write(tmp_path_factory.mktemp("page"), rows)


def _part(dom, name):
    return re.search(rf'id="{name}"[^>]*>(.*?)</(?:p|div|span|tbody)>', dom, re.DOTALL)[1]


def _shown(dom):
    """The paths of the table, as text."""
    body = dom[dom.index('<tbody id="rows">') :]
    cells = re.findall(r'<td class="path"[^>]*>(.*?)<button', body[: body.index("</tbody>")])
    return [kit.text(cell).strip() for cell in cells]


@contextlib.contextmanager
def listening():
    """Listen on this machine; yields the address, and what was heard, whole at the end."""
    heard, over = [], threading.Event()

    def listen():
        while True:
            try:
                connection, _ = listener.accept()
            except TimeoutError:
                if over.is_set():
                    return
                continue
            with connection:
                heard.append(connection.recv(200))

    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(0.2)  # closing it would not end a thread that waits in it
        thread = threading.Thread(target=listen)
        thread.start()
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}", heard
        finally:
            over.set()
            thread.join()


def test_scripts_in_names_do_not_run_and_no_request_leaves(browser, tmp_path):
    """A listener on this machine must hear nothing, whatever address the names give."""
    rows = kit.disk()
    with listening() as (address, heard):
        names = [
            *kit.HOSTILE,
            f"<img src='{address}/a'>", f"</script><script src='{address}/b'></script>",
            f"<link rel=stylesheet href='{address}/c'>", f"url({address}/d)",
            f"<meta http-equiv=refresh content='0;url={address}/e'>",
            f"--><iframe src='{address}/f'></iframe>",
        ]  # fmt: skip
        rows += [kit.name(n, "/" + text) for n, text in enumerate(names, 11)]
        rows += [
            kit.stream(n, state="damaged", reason="short-read", bytes_digested=0, detail=text)
            for n, text in enumerate(names, 11)
        ]
        written = _write(tmp_path, rows, title=names[0])
        dom = browser.dom(written, "#lang=ur&find=" + "%3C%2Fscript")
    assert heard == []
    title = re.search("<title>(.*?)</title>", dom, re.DOTALL)[1]
    assert "owned" not in title.replace("document.title='owned'", "")
    assert dom.count("<script") == 2
    assert "<img" not in dom
    assert "<iframe" not in dom
    assert len(_shown(dom)) == 2


def test_the_listener_would_have_heard(browser, tmp_path):
    """The same browser does fetch from a page that lets it: the test above can fail."""
    target = tmp_path / "open.html"
    with listening() as (address, heard):
        target.write_text(f"<img src='{address}/a'>")
        browser.dom(target)
    assert any(request.startswith(b"GET /a") for request in heard)


def test_only_the_pages_own_script_runs(browser, page, tmp_path):
    text = page.read_text()
    extra = "<script>document.title = 'foreign'</script></body>"
    target = tmp_path / "more.html"
    target.write_text(text.replace("</body>", extra))
    assert "<title>foreign" not in browser.dom(target)
    target.write_text(re.sub("<meta http-equiv[^>]*>", "", text).replace("</body>", extra))
    assert "<title>foreign" in browser.dom(target)


def test_the_chart_zooms(browser, page):
    whole = browser.dom(page)
    assert "310 of 310 names" in kit.text(_part(whole, "readout"))
    bars = _part(whole, "chart").count('class="col"')
    assert 25 < bars <= 160
    close = browser.dom(page, "#from=2025-01-05T00:00:00Z&to=2025-01-07T00:00:00Z")
    assert "From 2025-01-05 00:00Z to 2025-01-07 00:00Z: 20 of 310 names" in kit.text(
        _part(close, "readout")
    )
    assert _part(close, "chart").count('class="col"') == 20
    assert "One bar: 1 h." in kit.text(_part(close, "width"))
    born = browser.dom(page, "#time=b")
    assert _part(born, "chart").count('class="col"') == 1


def test_the_buttons_of_the_chart(browser, page, tmp_path):
    """The policy lets no test script in, so a copy without it is driven."""
    target = tmp_path / "driven.html"
    clicks = "['z-all', 'z-in', 'z-in', 'z-right', 'z-out', 'z-left', 'z-in'].forEach("
    clicks += "function (id) { document.getElementById(id).click(); out.push(said()); });"
    script = (
        "<script>var out = []; function said() { return document.getElementById('readout')"
        ".textContent.match(/: ([0-9,]+) of/)[1]; }" + clicks +
        "var chart = document.getElementById('chart');"
        "chart.dispatchEvent(new KeyboardEvent('keydown', { key: '0' })); out.push(said());"
        "document.querySelector('[data-sort=size]').click();"
        "document.querySelector('#rows .open').click();"
        "document.title = out.join(' ');</script></body>"
    )  # fmt: skip
    text = re.sub("<meta http-equiv[^>]*>", "", page.read_text())
    target.write_text(text.replace("</body>", script))
    dom = browser.dom(target)
    counts = [int(n) for n in re.search("<title>(.*?)</title>", dom)[1].split()]
    assert counts[0] == counts[-1] == 310
    assert counts[2] < counts[1] < counts[0]
    assert counts[2] < counts[4]
    assert 'aria-sort="descending"' in dom
    assert _shown(dom)[0] == "/رپورٹ/نوٹ.txt"
    assert 'aria-expanded="true"' in dom
    assert "The file system says that this is the content" in dom


def test_zones_are_told_apart(browser, page):
    window = "from=2025-01-05T00:00:00Z&to=2025-01-07T00:00:00Z"
    dom = browser.dom(page, f"#zone=case&{window}")
    assert "From 2025-01-05 05:00+05:00 to 2025-01-07 05:00+05:00" in kit.text(
        _part(dom, "readout")
    )
    assert "2025-01-01 05:00:00+05:00" in dom
    unknown = browser.dom(page, "#source=local-unknown&zone=case")
    readout = kit.text(_part(unknown, "readout"))
    assert "1 of 1 names" in readout
    assert "Z" not in readout
    assert "+05:00" not in readout
    assert re.search('id="unknown-zone">', unknown)
    assert re.search('id="unknown-zone" hidden', dom)


def test_search_sort_period_and_pages(browser, page):
    assert len(_shown(browser.dom(page))) == 50
    dom = browser.dom(page, "#find=DAY07/0&sort=path&down=1")
    assert _shown(dom) == [f"/day07/{n:02d}.txt" for n in range(9, -1, -1)]
    assert "10 of 311" in kit.text(_part(dom, "found"))
    window = "#limit=1&from=2025-01-02T00:00:00Z&to=2025-01-03T00:00:00Z"
    assert _shown(browser.dom(page, window)) == [f"/day01/{n:02d}.txt" for n in range(10)]
    assert _shown(browser.dom(page, "#find=nothing-like-it")) == []


def test_urdu_runs_from_right_to_left(browser, page):
    dom = browser.dom(page, "#lang=ur&find=day00")
    assert re.search('<html lang="ur" dir="rtl"', dom)
    assert "جو پڑھا نہ جا سکا" in dom
    assert 'dir="ltr">English' not in dom
    assert ">English</button>" in dom
    assert "What could not be read" not in kit.text(dom.split("<script")[0])
    assert _shown(dom)[0] == "/day00/00.txt"
    assert not re.search(r'class="digest">(?!<bdi dir="ltr">)', dom)
    back = browser.dom(page, "#lang=en")
    assert re.search('<html lang="en" dir="ltr"', back)


def test_two_urdu_names_keep_their_order(browser, page):
    """Each part of a path stands alone: folder first, file last, ending at its right."""
    dom = browser.dom(page, "#find=نوٹ")
    assert '<bdi dir="ltr">رپورٹ</bdi>/</span>' in dom
    assert '<bdi dir="ltr">نوٹ.txt</bdi></b>' in dom


def test_a_sample_on_a_phone_and_on_paper(browser, program, tmp_path):
    image = inventorykit.SAMPLES / "usb-fat16.raw"
    if not image.exists():
        pytest.skip("the sample images are not here")
    with inventorykit.scan(image, tmp_path / "x.db") as inventory:
        report = report_page(inventory, Context(what="x.db"))
    page = tmp_path / "x.html"
    page.write_bytes(report.page)
    assert 'id="files-part">' in browser.dom(page, width=400)
    paper = browser.pdf(page, tmp_path / "x.pdf")
    text = subprocess.run(
        [program("pdftotext"), "-layout", paper, "-"], check=True, capture_output=True, text=True
    ).stdout
    flat = "".join(text.split())
    for word in ("Whatcouldnotberead", "Thedisk,toscale", "deleted,guessed", "Rowroot",
                 "Ifthetwolanguagesdiffer"):  # fmt: skip
        assert word in flat, word
