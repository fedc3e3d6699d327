"""What `report.xml` of a UFDR states; its layout is described in `statements`."""

from __future__ import annotations

from xml.parsers import expat

from evkit.core.text import escape
from evkit.inventory.archives.claims import Claim, raw

_NAMESPACE = "pa.cellebrite.com/report"


class Report:
    """`report.xml` of a UFDR, read while it passes; entities are refused."""

    def __init__(self) -> None:
        self._parser = expat.ParserCreate(namespace_separator=" ")
        self._parser.StartElementHandler = self._start
        self._parser.EndElementHandler = self._end
        self._parser.CharacterDataHandler = self._text
        self._parser.EntityDeclHandler = self._refuse
        self._parser.buffer_text = True
        self._claim: Claim | None = None
        self._over = False
        self._item = ""
        self._value = ""
        self._facts: dict[str, str] = {}

    def feed(self, block: bytes) -> None:
        """Take the next bytes."""
        if self._over:
            return
        try:
            self._parser.Parse(block, False)  # noqa: FBT003 - expat takes it by place
        except (expat.ExpatError, ValueError, UnicodeError) as error:
            self._over = True
            if self._claim is not None:
                self._claim.detail = f"report.xml is damaged: {escape(str(error))[:200]}"

    def close(self) -> Claim | None:
        """Return what it says, None when it is no report of a UFDR."""
        if not self._over:
            try:
                self._parser.Parse(b"", True)  # noqa: FBT003
            except (expat.ExpatError, ValueError) as error:
                if self._claim is not None:
                    self._claim.detail = f"report.xml is damaged: {escape(str(error))[:200]}"
        return self._claim

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        space, _, local = name.rpartition(" ")
        if self._claim is None:
            if _NAMESPACE not in space:
                raise ValueError("another namespace")
            version = attributes.get("reportVersion", "")
            self._claim = Claim("cellebrite-ufdr", tool=escape(f"report {version}")[:200])
        if local == "file":
            self._facts = {}
        elif local == "item":
            self._item, self._value = attributes.get("name", ""), ""

    def _text(self, text: str) -> None:
        if self._item and len(self._value) < 8192:  # noqa: PLR2004
            self._value += text

    def _end(self, name: str) -> None:
        local = name.rpartition(" ")[2]
        if local == "item":
            if self._item in {"Local Path", "MD5", "SHA1", "SHA256"}:
                self._facts[self._item] = self._value.strip()
            self._item = ""
        elif local == "file" and self._claim is not None and self._facts.get("Local Path"):
            path = raw(self._facts["Local Path"])
            for key in ("MD5", "SHA1", "SHA256"):
                if self._facts.get(key):
                    self._claim.add(path, self._facts[key], key.lower())

    def _refuse(self, *_: object) -> None:
        raise ValueError("it declares entities")
