"""Makes the pages of section 3 from the comments in the public headers.

    make_man.py --list HEADER...                         prints the pages' file names
    make_man.py --output FOLDER --version V HEADER...    writes them

One page per function; logstore(3) lists the headers and all functions, logstore_errors(3) the error codes.
"""

import argparse
import pathlib
import re

import public_api

SECTION_TITLES = {
    "Returns": "RETURN VALUE",
    "Ownership": "OWNERSHIP",
    "Threads": "THREADS",
    "Blocking": "BLOCKING",
    "Durable": "DURABILITY",
}
OVERVIEW = "logstore"
ERRORS = "logstore_errors"


def escape(text):
    """Text as roff shows it literally, in the middle of a line."""
    return text.replace("\\", "\\e").replace("-", "\\-").replace("'", "\\(aq").replace("^", "\\(ha").replace("~", "\\(ti")


def filled(lines):
    """Lines of prose: names of functions and parameters stand out, control characters at the start are hidden."""
    out = []
    for line in lines:
        text = escape(line.strip())
        text = re.sub(r"@(\w+)", r"\\fI\1\\fP", text)
        text = re.sub(r"\b(logstore_\w+|strerror|malloc|clock_gettime|getrandom)\((3|2)?\)", r"\\fB\1\\fP(\2)", text)
        text = re.sub(r"(logstore_\w+\\fP)\(\)", r"\1()", text)
        out.append(hide_control(text))
    return [line for line in out if line]


def hide_control(line):
    return "\\&" + line if line.startswith((".", "'", "\\(aq")) else line


def literal(text):
    """Code: kept line by line, in the example style."""
    lines = [hide_control(escape(line.expandtabs(8))) for line in text.splitlines()]
    return [".RS 4", ".PP", ".EX", *lines, ".EE", ".RE"]


def title(name, version):
    return [f'.TH {name} 3 "" "logstore {version}" "logstore"', ".ad l", ".nh"]


def sentence(text):
    """Begins with a capital, unless with a name or a code."""
    begins_with_word = re.match(r"[a-z]+(?:[ ,;.]|$)", text)
    return text[0].upper() + text[1:] if begins_with_word else text


def section(lines):
    """The text of a section; outcomes divided by semicolons become a list, sentences behind it a paragraph."""
    text = public_api.one_line(" ".join(lines))
    parts = re.split(r"; (?=0|1|-\w|LOGSTORE_E_|what |for )", text)
    if len(parts) < 3:
        return filled([sentence(text)])
    last, _, rest = parts[-1].partition(". ")
    out = []
    for part in [*parts[:-1], last]:
        out += [".IP \\(bu 2", *filled([part.rstrip(".")])]
    return out + ([".PP", *filled([sentence(rest)])] if rest else [])


def synopsis(function):
    """The prototype, parameters in italics, folded by the formatter between parameters."""
    out = [".nf", f".B #include <logstore/{function.header}>", ".fi", ".HP 4"]
    pointer = "" if function.returns.endswith("*") else " "
    head = f"\\fB{escape(function.returns)}{pointer}{function.name}("
    parts = []
    for parameter in function.parameters:
        declaration = escape(parameter.declaration)
        parts.append(re.sub(rf"\b{parameter.name}(?=(\[[^\]]*\])?$)", rf"\\fI{parameter.name}\\fB", declaration))
    parts = parts or ["void"]
    for number, part in enumerate(parts):
        last = number == len(parts) - 1
        text = (head if number == 0 else "\\fB") + part + (");\\fP" if last else ",\\fP")
        out.append(text.replace(" ", "\\~") if number else text)
    return out


def used_structs(function, header_structs):
    """Structs of the same header that the prototype names."""
    named = re.findall(r"struct (\w+)", " ".join(p.declaration for p in function.parameters))
    return [name for name in dict.fromkeys(named) if name in header_structs]


def function_page(function, version, header_structs, siblings):
    out = title(function.name, version)
    out += [".SH NAME", f"{function.name} \\- {escape(function.summary)}"]
    out += [".SH SYNOPSIS", *synopsis(function)]
    structures = used_structs(function, header_structs)
    if function.description or structures:
        out += [".SH DESCRIPTION"]
        for number, paragraph in enumerate(function.description):
            out += ([".PP"] if number else []) + filled(paragraph)
        for number, name in enumerate(structures):
            if number or function.description:
                out += [".PP"]
            out += [f"\\fIstruct {name}\\fP:", *literal(header_structs[name])]
    if function.parameters:
        out += [".SH PARAMETERS"]
        for parameter in function.parameters:
            out += [".TP", f".I {parameter.name}", *filled([parameter.text])]
    for name, heading in SECTION_TITLES.items():
        if name in function.sections:
            out += [f".SH {heading}", *section(function.sections[name])]
    out += [".SH HISTORY", f"Since version {escape(' '.join(function.sections.get('Since', ['?'])))}."]
    return out + see_also([name for name in siblings if name != function.name])


def see_also(names):
    pages = [f".BR {name} (3)" for name in [*names, OVERVIEW, ERRORS]]
    return [".SH SEE ALSO", *[page + "," for page in pages[:-1]], pages[-1]]


def overview_page(headers, functions, version):
    out = title(OVERVIEW, version)
    out += [".SH NAME", f"{OVERVIEW} \\- durable, partitioned logs in the file format of Apache Kafka"]
    out += [".SH SYNOPSIS", ".nf", ".B #include <logstore/logstore.h>", ".PP",
            ".B cc program.c $(pkg\\-config \\-\\-cflags \\-\\-libs logstore)", ".fi", ".SH DESCRIPTION",
            "One section per header; each function has a page of its own."]
    for header in headers:
        out += [f".SS <logstore/{header.name}>"]
        for number, line in enumerate(paragraphs(public_api.opening_comment(header))):
            out += ([".PP"] if number else []) + line
        for function in functions:
            if function.header == header.name:
                out += [".TP", f".BR {function.name} (3)", hide_control(escape(function.summary))]
    return out + [".SH SEE ALSO", f".BR {ERRORS} (3),", ".BR logstore (1)"]


def paragraphs(lines):
    """Paragraphs of an opening comment; list items and indented lines keep their line."""
    out, current = [], []
    for line in [*lines, ""]:
        if not line.strip():
            if current:
                out.append(current)
            current = []
        else:
            if current and (line.startswith(("-", " ")) and not line.startswith("  ") or re.match(r"\w+\.c  ", line)):
                current.append(".br")
            current += filled([line])
    return out


def errors_page(rows, version):
    out = title(ERRORS, version)
    out += [".SH NAME", f"{ERRORS} \\- error codes of liblogstore", ".SH SYNOPSIS", ".nf",
            ".B #include <logstore/error.h>", ".fi", ".SH DESCRIPTION"]
    out += filled(["Functions return 0, or a negative number: -errno for a failed system call, or one of the codes",
                   "below, which are smaller than -4096 and never change. The number in brackets is the error code of",
                   "Kafka's protocol that logstore_error_kafka_code() gives for it."])
    for name, value, kafka, text in rows:
        out += [".TP", f"\\fBLOGSTORE_E_{name}\\fP ({escape(value)}) [{escape(kafka)}]", hide_control(escape(text))]
    return out + [".SH SEE ALSO", ".BR logstore_strerror (3),", ".BR logstore_error_name (3),",
                  ".BR logstore_error_kafka_code (3),", f".BR {OVERVIEW} (3)"]


def page_names(functions):
    return sorted({f"{function.name}.3" for function in functions} | {f"{OVERVIEW}.3", f"{ERRORS}.3"})


def siblings_of(function, functions):
    """Functions of the same header on the same thing: they share their first two or three words."""
    family = "_".join(function.name.split("_")[:2])
    same = [f.name for f in functions if f.header == function.header and f.name.startswith(family)]
    return same if len(same) <= 12 else []


def make_pages(headers, functions, version):
    pages = {}
    by_header = {header.name: public_api.structs(header) for header in headers}
    for function in functions:
        pages[f"{function.name}.3"] = function_page(function, version, by_header[function.header],
                                                    siblings_of(function, functions))
    error_header = next(header for header in headers if header.name == "error.h")
    pages[f"{ERRORS}.3"] = errors_page(public_api.error_table(error_header), version)
    pages[f"{OVERVIEW}.3"] = overview_page(headers, functions, version)
    return pages


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--list", action="store_true")
    parser.add_argument("--output", type=pathlib.Path)
    parser.add_argument("--version", default="")
    parser.add_argument("headers", nargs="+", type=pathlib.Path)
    options = parser.parse_args()
    headers = sorted(options.headers)
    functions = public_api.parse_headers(headers)
    if options.list:
        print("\n".join(page_names(functions)))
        return
    for name, lines in make_pages(headers, functions, options.version).items():
        (options.output / name).write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
