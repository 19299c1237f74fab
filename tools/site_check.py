"""What can be wrong with a built site, read from its files: dead links, what is foreign, lacks or is heavy."""
import re
from functools import lru_cache
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urljoin, urlsplit

MOST = 2_000_000  # bytes of a page with all that it loads
FOREIGN = re.compile(r'url\(\s*["\']?(https?:[^)"\']+)|@import\s+["\'](https?:[^"\']+)')  # in a style sheet
LOADS = dict.fromkeys(('img', 'script', 'audio', 'video', 'source', 'iframe', 'embed'), 'src') | {'object': 'data'}
FETCHED = {  # what `live.js` fetches besides, by the kind of a live part
    'listen': ('tracks.js', 'player.js', 'clips.json', 'clip-*'), 'one': ('player.js', 'clip-1.*'),
    'disagree': ('scatter.js', 'player.js', 'map.pack'), 'codebook': ('scatter.js', 'player.js', 'codebook.pack'),
    'confusions': ('matrix.js', 'player.js', 'confusions.json', 'clips.json', 'clip-*')}


class Page(HTMLParser):
    "Links, ids and loaded files of a page."
    def __init__(self, text: str):
        super().__init__()
        self.links, self.ids, self.loads, self.live = [], set(), [], []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        found = dict(attributes)
        self.ids |= {found[name] for name in ('id', 'name') if found.get(name)}
        if tag == 'a' and found.get('href'): self.links.append(found['href'])
        if tag in LOADS and found.get(LOADS[tag]): self.loads.append(found[LOADS[tag]])
        if tag == 'link' and found.get('rel') in ('stylesheet', 'icon', 'preload'): self.loads.append(found['href'])
        if found.get('data-live'): self.live.append(found['data-live'])


@lru_cache(1)
def pages(folder: Path) -> dict:
    "{path: Page} of all pages of a site."
    every = sorted(folder.rglob('*.html'))
    return {p.relative_to(folder).as_posix(): Page(p.read_text(encoding='utf8')) for p in every}


def place(page: str, link: str) -> tuple:  # path inside the site, id
    "Where a link of a page leads."
    parts = urlsplit(urljoin(f'http://here/{page}', link))
    path = unquote(parts.path).lstrip('/')
    return (path + 'index.html' if path.endswith('/') or not path else path), unquote(parts.fragment)


def own(link: str) -> bool:
    "Whether a link stays inside the site."
    return not re.match(r'[a-z][a-z0-9+.-]*:|//', link)


def dead(folder: Path) -> list:
    "Links that lead to no file, or to no place in it."
    known, lost = pages(folder), []
    for name, page in known.items():
        for link in filter(own, page.links):
            path, fragment = place(name, link)
            if not (folder/path).is_file(): lost.append(f'{name}: links to {link}, which does not exist')
            elif fragment and path in known and fragment not in known[path].ids:
                lost.append(f'{name}: links to {link}, and that has no such place')
    return lost


def outside(folder: Path) -> list:
    "What pages or their style sheets load from elsewhere."
    foreign = [(name, load) for name, page in pages(folder).items() for load in page.loads if not own(load)]
    found = [f'{name}: loads {load}' for name, load in foreign if not load.startswith('data:')]
    for path in folder.rglob('*.css'):
        urls = FOREIGN.findall(path.read_text(encoding='utf8'))
        found += [f'{path.relative_to(folder)}: loads {"".join(url)}' for url in urls]
    return found


def weight(folder: Path, name: str) -> int:
    "Bytes of a page with all that it loads; of live parts with all that they may fetch."
    page, files = pages(folder)[name], {folder/name}
    for load in filter(own, page.loads): files.add(folder/place(name, load)[0])
    patterns = [pattern for kind in page.live for pattern in FETCHED[kind]]
    files |= {path for pattern in patterns for path in (folder/'_static'/'live').glob(pattern)}
    if name == 'search.html': files.add(folder/'searchindex.js')
    return sum(path.stat().st_size for path in files if path.is_file())


def check(folder: Path) -> list:
    "What is wrong with a built site; one sentence each."
    loads = [(name, load) for name, page in pages(folder).items() for load in filter(own, page.loads)]
    lost = [f'{name}: loads {load}, which does not exist' for name, load in loads
            if not (folder/place(name, load)[0]).is_file()]
    sizes = {name: weight(folder, name) for name in pages(folder)}
    heavy = [f'{n}: weighs {size/1e6:.1f} MB, {MOST/1e6:.0f} at most' for n, size in sizes.items() if size > MOST]
    return dead(folder) + outside(folder) + lost + heavy
