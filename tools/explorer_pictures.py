"""Takes the pictures of the explorers' article, figures/explorer_*.png: tools/explorer_pictures.py RUN."""
import sys
from pathlib import Path

import browser as b
from notebooks import ROOT
from test_browser import text_of
from test_explorers import all_drawn, go, silence


def wait_for(page, part, title: str) -> None:
    "Until the player of a part shows a clip of this title."
    def shown():
        page.wait_for_timeout(50)  # the page goes on meanwhile
        return title in text_of(part, '.mirnb-player .mirnb-title')
    b.until(shown, 60, f'{title} is not shown')
    page.wait_for_timeout(1500)  # something has been played
    silence(page)


def take(run: Path, folder: Path) -> None:
    "One picture an explorer, of the same run."
    call = f'from mirnb.cli import main; main(["explore", {str(run)!r}, "--no-browser"])'
    with (b.pictures(folder), b.chromium() as window, b.command('-c', call) as server,
          b.visit(window, server.at(), (1300, 1000)) as page):
        all_drawn(page)
        part = go(page, 'Tracks')
        part.get_by_role('button', name='most confident errors first').click()
        part.locator('.mirnb-tracks .row').first.click()
        wait_for(page, part, '')
        part.get_by_role('button', name='hear?').click()
        wait_for(page, part, 'what speaks for')
        b.picture(page, 'explorer_tracks')
        part = go(page, 'Codebook')
        part.get_by_label('code', exact=True).fill('1291')
        page.keyboard.press('Enter')
        wait_for(page, part, 'code 1291')
        b.picture(page, 'explorer_codebook')
        part = go(page, 'Results')
        errors = '((n, i, j) for i, row in enumerate(results.matrix.counts) for j, n in enumerate(row) if i != j)'
        _, truth, guess = b.ask(server, f'max({errors})')
        part.locator('.mirnb-matrix tr').nth(truth + 2).locator('td button').nth(guess).click()
        page.wait_for_timeout(500)
        part.locator('.mirnb-tracks .row').first.click()
        wait_for(page, part, '')
        b.picture(page, 'explorer_results')


if __name__ == '__main__': take(Path(sys.argv[1]).expanduser(), ROOT/'figures')
