// A table is sorted by the button in a column's head: numbers by their value, the rest as words; what is empty stays last.
for (const table of document.querySelectorAll('table.sortable')) {
  const body = table.tBodies[0], rows = [...body.rows];
  const heads = [...table.querySelectorAll('thead th')].filter(head => head.querySelector('button'));

  function key(row, column) {
    const cell = row.cells[column], number = cell.dataset.value;
    return number === undefined ? cell.textContent.trim() : Number(number);
  }

  function compare(a, b) {
    return typeof a === 'number' && typeof b === 'number' ? a - b : String(a).localeCompare(String(b), undefined, {numeric: true});
  }

  heads.forEach(head => head.querySelector('button').addEventListener('click', () => {
    const other = {ascending: 'descending', descending: 'ascending'};
    const way = other[head.getAttribute('aria-sort')] || head.dataset.first;
    for (const each of heads) each.removeAttribute('aria-sort');
    head.setAttribute('aria-sort', way);
    const keyed = rows.map(row => [key(row, head.cellIndex), row]);  // from the order of the page: equals stay as they were
    const empty = keyed.filter(([value]) => value === ''), known = keyed.filter(([value]) => value !== '');
    known.sort(([a], [b]) => way === 'ascending' ? compare(a, b) : compare(b, a));
    body.append(...[...known, ...empty].map(([, row]) => row));
  }));
}
