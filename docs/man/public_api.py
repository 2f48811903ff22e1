"""Reads the public headers: every LOGSTORE_API prototype with the comment in front of it.

The comment has one form (docs/contributing.md, "Public functions"):

    /**
     * name() - summary
     * @parameter: what it is
     *
     * Paragraphs of description.
     *
     * Returns: ...
     * Ownership: ...
     * Threads: ...
     * Blocking: ...
     * Durable: ...
     * Since: 0.1
     */
    LOGSTORE_API type name(type parameter, ...);

make_man.py turns the result into man pages, tests/lint holds every function to it.
"""

import dataclasses
import pathlib
import re

SECTIONS = ["Returns", "Ownership", "Threads", "Blocking", "Durable", "Since"]

PROTOTYPE = re.compile(r"^LOGSTORE_API\s+(?P<text>[^;]+);", re.MULTILINE)
SIGNATURE = re.compile(r"^(?P<type>.*?)(?P<name>logstore_\w+)\((?P<parameters>.*)\)$", re.DOTALL)
DOC_BEFORE = re.compile(r"/\*\*\n(?P<body>(?: \*[^\n]*\n)*?) \*/\n$")
STRUCT = re.compile(
    r"(?P<comment>/\*(?:(?!\*/).)*\*/\n)?struct (?P<name>\w+) \{\n(?P<body>.*?)\n\};", re.DOTALL)
ERROR_ROW = re.compile(r'X\((\w+), (-\d+), (-?\d+), "([^"]*)"\)')


@dataclasses.dataclass
class Parameter:
    name: str
    declaration: str  # as in the prototype, on one line
    text: str = ""


@dataclasses.dataclass
class Function:
    header: str
    name: str
    returns: str
    parameters: list
    summary: str = ""
    description: list = dataclasses.field(default_factory=list)  # paragraphs, each a list of lines
    sections: dict = dataclasses.field(default_factory=dict)  # name -> list of lines
    problems: list = dataclasses.field(default_factory=list)

    @property
    def void(self):
        return self.returns == "void"


def one_line(text):
    return re.sub(r"\s+", " ", text).strip()


def split_parameters(text):
    """Splits at the commas outside parentheses; `void` is no parameter."""
    parts, depth, start = [], 0, 0
    for at, c in enumerate(text):
        depth += (c == "(") - (c == ")")
        if c == "," and depth == 0:
            parts.append(text[start:at])
            start = at + 1
    parts.append(text[start:])
    parts = [one_line(part) for part in parts]
    return [] if parts == ["void"] else parts


def parameter_name(declaration):
    match = re.search(r"(\w+)(?:\[[^\]]*\])?$", declaration)
    return match.group(1) if match else ""


def parse_prototype(header, text):
    match = SIGNATURE.match(one_line(text))
    if not match:
        raise ValueError(f"{header}: cannot read the prototype: {one_line(text)}")
    parameters = [Parameter(parameter_name(d), d) for d in split_parameters(match["parameters"])]
    return Function(header, match["name"], match["type"].strip(), parameters)


def comment_lines(body):
    return [line[3:] if line.startswith(" * ") else "" for line in body.splitlines()]


def parse_comment(function, lines):
    """Fills in what the comment says; what does not fit its form becomes a problem."""
    head = re.match(r"(\w+)\(\) - (.+)$", lines[0] if lines else "")
    if not head or head[1] != function.name:
        function.problems.append(f'the comment does not begin with "{function.name}() - summary"')
    else:
        function.summary = head[2]
    known = {parameter.name: parameter for parameter in function.parameters}
    target, last_section = None, -1
    for line in lines[1:]:
        at_parameter = re.match(r"@(\w+): (.*)$", line)
        at_section = re.match(r"(\w+):(?: (.*))?$", line)
        if at_parameter and not function.sections and not function.description:
            name = at_parameter[1]
            if name not in known:
                function.problems.append(f"@{name} is no parameter")
            target = [at_parameter[2]]
            if name in known:
                known[name].text = target
        elif at_section and at_section[1] in SECTIONS:
            name = at_section[1]
            if SECTIONS.index(name) <= last_section:
                function.problems.append(f'"{name}:" stands twice or out of order ({", ".join(SECTIONS)})')
            last_section = SECTIONS.index(name)
            target = function.sections.setdefault(name, [])
            if at_section[2]:
                target.append(at_section[2])
        elif not line:
            target = None
        elif target is not None:
            target.append(line)
        elif function.sections:
            function.problems.append(f"text after the sections: {line.strip()}")
        else:
            target = [line]
            function.description.append(target)
    for parameter in function.parameters:
        parameter.text = one_line(" ".join(parameter.text))


def check(function):
    for parameter in function.parameters:
        if not parameter.text:
            function.problems.append(f"@{parameter.name} is not described")
    wanted = ["Threads", "Blocking", "Since"]
    if not function.void:
        wanted.insert(0, "Returns")
    for name in wanted:
        if not any(line.strip() for line in function.sections.get(name, [])):
            function.problems.append(f'"{name}:" is missing')
    if function.void and "Returns" in function.sections:
        function.problems.append('"Returns:" of a function that returns nothing')


def parse_header(path):
    text = path.read_text(encoding="utf-8")
    functions = []
    for match in PROTOTYPE.finditer(text):
        function = parse_prototype(path.name, match["text"])
        doc = DOC_BEFORE.search(text[:match.start()])
        if doc:
            parse_comment(function, comment_lines(doc["body"]))
            check(function)
        else:
            function.problems.append("no comment directly in front of the prototype")
        functions.append(function)
    return functions


def parse_headers(paths):
    return [function for path in sorted(map(pathlib.Path, paths)) for function in parse_header(path)]


def structs(path):
    """Struct definitions of a header with the comment in front: name -> text."""
    text = pathlib.Path(path).read_text(encoding="utf-8")
    return {match["name"]: match[0] for match in STRUCT.finditer(text)}


def opening_comment(path):
    text = pathlib.Path(path).read_text(encoding="utf-8")
    body = re.match(r"/\*+\s*(.*?)\s*\*/", text, re.DOTALL)[1]
    return [re.sub(r"^ ?\* ?", "", line) for line in body.splitlines()]


def error_table(path):
    """Rows (name, value, Kafka's code, text) of the table in error.h."""
    return ERROR_ROW.findall(pathlib.Path(path).read_text(encoding="utf-8"))
