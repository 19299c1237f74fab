"""Takes the pictures of the explorers' article, figures/explorer_*.png: tools/explorer_pictures.py RUN COMPARISON."""
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import browser as b
from mirnb.explorers.app import prepared
from mirnb.study.run import Run
from notebooks import ROOT
from test_browser import text_of
from test_explorers import go, silence
from test_maps import click_on

ENCODERS = 'mel', 'musicnn mtt'  # of the map
SIZE = 1300, 1000  # of a picture


def wait_for(page, part, title: str) -> None:
    "Until the player of a part shows a clip of this title."
    def shown():
        page.wait_for_timeout(50)  # the page goes on meanwhile
        return title in text_of(part, '.mirnb-player .mirnb-title')
    b.until(shown, 60, f'{title} is not shown')
    page.wait_for_timeout(1500)  # something has been played
    silence(page)


HOUSELESS = """() => {
  for (const input of document.querySelectorAll('.mirnb-marker input')) if (input.value.startsWith('/')) input.value = 'marks';
  for (const line of document.querySelectorAll('.mirnb-marker [role=status]')) line.textContent = 'marks are kept in marks.jsonl';
  for (const cell of document.querySelectorAll('td')) if (cell.textContent.startsWith('/')) cell.parentElement.remove();
}"""  # a picture for everybody names no folder of this machine


def snap(page, name: str) -> None:
    "The picture."
    page.evaluate(HOUSELESS)
    b.picture(page, name)


def of_run(window, run: str) -> None:
    "Tracks, codes and results."
    with b.explorer(window, run, size=SIZE) as (server, page):
        part = go(page, 'Tracks')
        part.get_by_role('button', name='most confident errors first').click()
        part.locator('.mirnb-tracks .row').first.click()
        wait_for(page, part, '')
        part.get_by_role('button', name='hear?').click()
        wait_for(page, part, 'what speaks for')
        snap(page, 'explorer_tracks')
        part = go(page, 'Codebook')
        part.get_by_label('code', exact=True).fill('1291')
        page.keyboard.press('Enter')
        wait_for(page, part, 'code 1291')
        snap(page, 'explorer_codebook')
        part = go(page, 'Results')
        errors = '((n, i, j) for i, row in enumerate(results.made.matrix.counts) for j, n in enumerate(row) if i != j)'
        _, truth, guess = b.ask(server, f'max({errors})')
        part.locator('.mirnb-matrix tr').nth(truth + 2).locator('td button').nth(guess).click()
        page.wait_for_timeout(500)
        part.locator('.mirnb-tracks .row').first.click()
        wait_for(page, part, '')
        snap(page, 'explorer_results')


def of_collection(window, run: str) -> None:
    "The tracks that the run was tested on, as log-Mel and MusiCNN place them."
    with TemporaryDirectory(prefix='mirnb-pictures-') as folder:
        tracks = Run.open(run).part('test')
        tracks[['track_id', 'path', 'title', 'genre']].to_csv(table := f'{folder}/tested works.csv', index=False)
        prepared(table, ENCODERS)  # takes minutes, for which the command below would not be waited
        with b.explorer(window, table, '--with', *ENCODERS, size=SIZE) as (server, page):
            page.get_by_role('tab', name='Map').click()
            page.locator('#part-2 .mirnb-scatter .legend button').nth(1).wait_for(timeout=300_000)
            click_on(page, server, 1, 12)
            wait_for(page, page.locator('#part-2'), '')
            page.evaluate('() => window.scrollTo(0, 0)')
            snap(page, 'explorer_map')


def of_comparison(window, comparison: str) -> None:
    "The weakest class of the best encoder, and one of its errors."
    with b.explorer(window, comparison, size=SIZE) as (server, page):
        row, column = b.ask(server, '(lambda s: divmod(int(s.argmin()), s.shape[1]))(comparison.said.scores()[-2:])')
        places = b.ask(server, 'comparison.said.scores().shape[0]')
        page.locator('.mirnb-matrix tbody tr').nth(places - 2 + row).locator('td button').nth(column).click()
        page.wait_for_timeout(500)
        page.locator('.mirnb-tracks .row').first.click()
        wait_for(page, page.locator('#part-1'), '')
        snap(page, 'explorer_comparison')


def take(run: str, comparison: str, folder: Path) -> None:
    "One picture an explorer."
    with b.pictures(folder), b.chromium() as window:
        of_run(window, run)
        of_collection(window, run)
        of_comparison(window, comparison)


if __name__ == '__main__': take(*(str(Path(at).expanduser()) for at in sys.argv[1:3]), ROOT/'figures')
