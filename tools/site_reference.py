"""Turns an exported cell into an entry of the site's reference: a signature, and what stands beside each parameter.

Nothing is imported or run: names, defaults, docments and docstrings are read from the source.
"""
import ast
import re

from checks import DEFS, comments, parameters, public

FIELDS = ('dataclass', 'NamedTuple', 'Protocol')  # classes whose annotated names are what they are made from


def plain(text: str) -> str:
    "A comment as Markdown shows it: what would be markup is not, but code stays code."
    parts = text.split('`')
    if len(parts) % 2 == 0: return re.sub(r'([\\*_<\[\]`])', r'\\\1', text)
    return '`'.join(part if i % 2 else re.sub(r'([\\*<\[\]])', r'\\\1', part) for i, part in enumerate(parts))


def said(comment: str|None) -> str:
    "The words of a comment."
    return plain((comment or '').lstrip('#').strip())


def last_line(node, arg) -> int:
    "The line where a parameter ends: behind its default, where it has one."
    a = node.args
    positional = [*a.posonlyargs, *a.args]
    known = dict(zip(reversed(positional), reversed(a.defaults))) | dict(zip(a.kwonlyargs, a.kw_defaults))
    return max(part.end_lineno for part in (arg, arg.annotation, known.get(arg)) if part)


def own_parameters(node, beside: dict) -> list:
    "Field lists of a function: each parameter with its docment, and what comes back."
    every, closing = parameters(node), node.returns.lineno if node.returns else 0
    taken = [arg.lineno for arg in every] + [closing]  # a comment beside two things is of neither
    lines = []
    for arg in every:
        text = beside.get(arg.lineno) or beside.get(last_line(node, arg))
        if text and taken.count(arg.lineno) == 1: lines.append(f':param {arg.arg}: {said(text)}')
    if closing in beside and (len(set(taken)) == 1 or taken.count(closing) == 1):
        lines.append(f':returns: {said(beside[closing])}')
    return lines


class Types(ast.NodeTransformer):
    "Annotations with the whole names of what the site documents, so that each is a link to the right one of its name."
    def __init__(self, known: dict): self.known = known  # {name in this room: whole name}

    def visit_Name(self, node): return ast.Name(self.known.get(node.id, node.id))

    def visit_Constant(self, node):
        "What is written as text, without its quotes."
        try: return self.visit(ast.parse(node.value, mode='eval').body) if isinstance(node.value, str) else node
        except SyntaxError: return node

    def of(self, annotation) -> str:
        "One annotation."
        return ast.unparse(self.visit(annotation))


def signature(node, types: Types) -> str:
    "`(wave, sr: int = 44100) -> np.ndarray`, without self."
    own = ast.parse(ast.unparse(node)).body[0]
    for group in (own.args.posonlyargs, own.args.args): group[:] = [a for a in group if a.arg not in ('self', 'cls')]
    returns = f' -> {types.of(own.returns)}' if own.returns else ''
    for arg in [*own.args.posonlyargs, *own.args.args, *own.args.kwonlyargs]:
        if arg.annotation: arg.annotation = ast.Name(types.of(arg.annotation))
    return f'({ast.unparse(own.args)}){returns}'


def words(node) -> str:
    "The docstring, as Markdown."
    return plain(ast.get_docstring(node) or '')


def directive(kind: str, head: str, body: list, colons: int = 4) -> str:
    "A directive of Sphinx's Python domain."
    fence = ':' * colons
    return '\n'.join([f'{fence}{{py:{kind}}} {head}', '', *body, '', fence])


def of_function(node, beside: dict, types: Types, kind: str = 'function', colons: int = 4) -> str:
    "The entry of a function or a method."
    decorators = [ast.unparse(d) for d in node.decorator_list]
    if kind == 'method' and any(d.endswith('property') for d in decorators):
        typed = [f':type: {types.of(node.returns)}'] if node.returns else []
        body = ['\n'.join([*typed, '', words(node)])]
        return directive('property', node.name, body, colons)
    marks = [f':{d}:' for d in decorators if d in ('classmethod', 'staticmethod')] if kind == 'method' else []
    body = [*marks, '', words(node), '', *own_parameters(node, beside)]
    return directive(kind, node.name + signature(node, types), body, colons)


def fields(node, beside: dict, types: Types) -> tuple:
    "Of a class that is made from its fields: its signature, and what stands beside each."
    own = [n for n in node.body if isinstance(n, ast.AnnAssign) and isinstance(n.target, ast.Name)]
    own = [n for n in own if not n.target.id.startswith('_') and 'ClassVar' not in ast.unparse(n.annotation)]
    def shown(n): return f'{n.target.id}: {types.of(n.annotation)}' + (f' = {ast.unparse(n.value)}' if n.value else '')
    told = [(n.target.id, beside.get(n.lineno) or beside.get(n.end_lineno)) for n in own]
    return f'({", ".join(map(shown, own))})', [f':param {name}: {said(text)}' for name, text in told if text]


def of_class(node, beside: dict, types: Types) -> str:
    "The entry of a class: what it is made from, and its public methods."
    methods = [n for n in node.body if isinstance(n, DEFS)]
    start = next((n for n in methods if n.name == '__init__'), None)
    marks = [ast.unparse(d) for d in node.decorator_list] + [ast.unparse(b) for b in node.bases]
    if start: head, told = signature(start, types), own_parameters(start, beside)
    elif any(word in mark for mark in marks for word in FIELDS): head, told = fields(node, beside, types)
    else: head, told = '', []
    def entry(n): return of_function(n, beside, types, 'method', 3)
    inside = [entry(n) for n in methods if not n.name.startswith('_') and ast.get_docstring(n)]
    return directive('class', node.name + head, [words(node), '', *told, '', *inside], 5)


def entries(code: str, known: dict) -> list:
    "The entries of an exported cell: one a public function or class; `known` gives names their whole names."
    tree, beside, types = ast.parse(code), comments(code), Types(known)
    wanted = public(tree)[0]
    nodes = [n for n in tree.body if getattr(n, 'name', '') in wanted]
    return [(of_class if isinstance(n, ast.ClassDef) else of_function)(n, beside, types) for n in nodes]


def names_in(cells: list, lib: str, module: str) -> dict:
    "{name: whole name} of what a room defines and of what it imports from other rooms."
    known = {}
    for tree in (ast.parse(c.code) for c in cells if c.exported):
        for node in ast.walk(tree):
            if isinstance(node, ast.ImportFrom) and (node.module or '').startswith(f'{lib}.'):
                known |= {a.asname or a.name: f'{node.module}.{a.name}' for a in node.names}
        known |= {name: f'{lib}.{module}.{name}' for name in public(tree)[0]}
    return known
