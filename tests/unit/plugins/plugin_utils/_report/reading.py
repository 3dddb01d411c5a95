"""Reading the reports with the programs that their readers use."""

import pathlib
import re

import cmarkgfm
import junitparser
from lxml import etree, html

NAMESPACE = ' xmlns="http://www.w3.org/2000/svg"'
SCHEMA = etree.XMLSchema(file=str(pathlib.Path(__file__).parents[3] / "fixtures" / "junit.xsd"))
# All that a report needs of HTML and SVG: nothing that makes a browser load, run, send or leave.
ELEMENTS = """
html head meta title style body header main h1 h2 p ul li dl dt dd div span details summary figure figcaption
table thead tbody tr th td svg desc defs g rect path text circle
"""
ATTRIBUTES = re.compile("on.*|.*href.*|src|action|srcset|background|poster|data")


def read_markdown(text):
    """The elements of the page that GitHub's own renderer makes, with everything that it can do."""
    page = cmarkgfm.github_flavored_markdown_to_html(text, cmarkgfm.cmark.Options.CMARK_OPT_UNSAFE)
    parser = etree.XMLParser(remove_comments=True, huge_tree=True)
    return etree.fromstring(f"<body>{page}</body>".replace("&quot;", '"'), parser)


def read_junit(text):
    """The only suite, once the schema of what CI services read accepts it, totals are right, and GitLab has a text."""
    root = etree.fromstring(text.encode("utf-8"))
    SCHEMA.assertValid(root)
    assert all(element.text or not element.get("message") for element in root.iter("failure", "error"))
    suites, counted = (junitparser.JUnitXml.fromstring(text.encode("utf-8")) for _time in range(2))
    counted.update_statistics()
    (suite,), (of_cases,) = suites, counted
    for name in ("tests", "failures", "errors"):
        assert getattr(suites, name) == getattr(suite, name) == getattr(of_cases, name)
    assert (suites.time, suite.skipped) == (suite.time, of_cases.skipped)
    return suite


READERS = {
    "markdown": read_markdown, "junit": read_junit, "html": html.document_fromstring,
    "svg": lambda text: etree.fromstring(text.replace(NAMESPACE, "")),
}  # fmt: skip


def shown(element):
    """What a reader sees of an element, on one line."""
    return " ".join("".join(element.itertext()).split())


def rows(table):
    """What a reader sees in the cells of a table's body."""
    return [[shown(cell) for cell in row] for row in table.iterfind("tbody/tr")]


def assert_harmless(root):
    """Nothing runs, nothing is loaded, nothing leads away."""
    for element in root.iter(etree.Element):
        assert element.tag in ELEMENTS.split()
        assert not list(filter(ATTRIBUTES.fullmatch, element.attrib))
    for style in root.iter("style"):
        assert not re.search(r"url\(|@import", style.text)


def texts(root, name, kind="text"):
    """What is written in the groups of a class: at the ends of lines, or as the title of each dot."""
    groups = (group for group in root.iter("g") if group.get("class") == name)
    return [text.text for group in groups for text in group.iterfind(kind)]


def points(path):
    """The corners of a path of straight lines."""
    numbers = [float(number) for number in re.findall(r"[0-9.]+", path.get("d"))]
    return list(zip(numbers[::2], numbers[1::2]))


def series(root, number, kind="path"):
    """The elements of a kind that draw a series."""
    return root.findall(f".//g[@class='series serie-{number} color-{number}']//{kind}")


def paths(root, color):
    """The lines and areas of a colour, which pygal numbers as the series."""
    style = root.findtext("defs/style")
    numbers = re.findall(rf"\.color-(\d+) a:visited{{stroke:{color.light}", style)
    return [path for number in numbers for path in series(root, number)[:1]]
