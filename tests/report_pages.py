"""What a page of a report is checked by."""

import html.parser
import re

import pandas as pd

FEW_PICTURES_BYTES = 600_000  # of a page's clips: of an untrained network nearly all are wrong, and would be drawn
HOSTILE = "<script>alert('$a$')</script>"
_VOID = {"meta", "img", "br", "link", "input", "hr"}


class Page(html.parser.HTMLParser):
    """Fails where an element is not closed in its order, an id stands twice, or something would be fetched."""

    def __init__(self, text):
        super().__init__()
        self.open, self.ids, self.words, self.elements = [], set(), [], []
        self.feed(text)
        self.close()
        assert not self.open

    def handle_starttag(self, tag, attrs):
        self._check(tag, dict(attrs))
        if tag not in _VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self._check(tag, dict(attrs))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.words.append(data)

    def _check(self, tag, attributes):
        self.elements.append(tag)
        assert tag not in ("script", "link", "iframe", "object") and not any(
            name.startswith("on") for name in attributes
        )
        for name in ("src", "href", "xlink:href", "srcset", "action"):
            assert attributes.get(name, "#").startswith(("#", "data:")), (tag, attributes[name])
        assert not re.search(r"url\((?!#)", attributes.get("style", ""))
        if "id" in attributes:
            assert attributes["id"] not in self.ids, attributes["id"]
            self.ids.add(attributes["id"])

    @property
    def text(self):
        return " ".join(" ".join(self.words).split())


def table(path):
    """A CSV file as a frame of texts."""
    return pd.read_csv(path, dtype=str, keep_default_na=False)
