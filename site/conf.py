"""What Sphinx is told; `tools/make_site.py` lays out the pages first. Nothing here asks the network for anything."""
import re
from configparser import ConfigParser
from pathlib import Path

from docutils.nodes import SkipNode
from docutils.utils.math.latex2mathml import tex2mathml

ROOT = Path(__file__).resolve().parent.parent
ini = ConfigParser(delimiters=['='], interpolation=None)
ini.read(ROOT/'settings.ini', encoding='utf8')
about = ini['DEFAULT']

project, author, release = about['lib_name'], about['author'], about['version']
copyright = about['copyright']
language = 'en'
extensions = ['myst_nb']
root_doc = 'index'
exclude_patterns = ['_*']
templates_path = ['templates']

# -- notebooks: shown with their saved outputs, never run
nb_execution_mode = 'off'
nb_ipywidgets_js = {}  # they would come from another machine
nb_code_prompt_show, nb_code_prompt_hide = 'code', 'hide code'
nb_mime_priority_overrides = [('html', 'text/markdown', 5)]
nb_merge_streams = True
myst_enable_extensions = ['colon_fence', 'fieldlist', 'dollarmath', 'attrs_inline']
myst_dmath_double_inline = True
myst_heading_anchors = 3
suppress_warnings = ['misc.highlighting_failure']  # a block of shell with `...` in it
pygments_style, pygments_dark_style = 'friendly', 'monokai'
python_maximum_signature_line_length = 76
python_use_unqualified_type_names = True
python_display_short_literal_types = True
add_module_names = False
toc_object_entries = False

# -- the theme
html_theme = 'furo'
html_title = 'mirnb'
html_static_path = ['static']  # and what `tools/site_live.py` made, which the builder adds
html_favicon = 'static/mirnb.svg'
html_css_files = ['mirnb.css']
html_copy_source = False
html_show_sourcelink = False
html_math_renderer = 'mathml'
html_theme_options = dict(
    light_css_variables={'color-brand-primary': '#0072b2', 'color-brand-content': '#005a8c'},
    dark_css_variables={'color-brand-primary': '#56b4e9', 'color-brand-content': '#7cc4ee'},
    navigation_with_keys=True, top_of_page_buttons=[])


def inline(writer, node):
    "A formula inside a line, as MathML: every browser draws it, without a script."
    writer.body.append(mathml(node, False))
    raise SkipNode


def block(writer, node):
    "A formula on a line of its own."
    writer.body.append(f'<div class="math">{mathml(node, True)}</div>')
    raise SkipNode


def mathml(node, as_block: bool) -> str:
    "MathML of a formula in LaTeX."
    text = re.sub(r'\\(hat|overline)(\\\w+)', r'\\\1{\2}', node.astext().strip())  # else an index goes under the hat
    found = tex2mathml(text, as_block=as_block)
    return found if isinstance(found, str) else found.toxml()


def widgets(app, page, template, context, doctree):
    "Pages with live widgets, and only they, load what these need."
    if 'class="board"' in context.get('body', ''):
        app.add_js_file('live/sort.js', type='module')
        app.add_css_file('live/board.css')
    if 'data-live=' not in context.get('body', ''): return
    app.add_js_file('live.js', type='module')
    app.add_css_file('live/widgets.css', priority=100)


def setup(app):
    "Formulas are drawn by the browser; widgets come where they are wanted."
    app.add_html_math_renderer('mathml', (inline, None), (block, None))
    app.connect('html-page-context', widgets)
