// Tables as files for spreadsheets.

import {h} from './dom.js';

// Rows, each a list of values, as a CSV file has them.
export function csv(rows) {
    return rows.map(row => `${row.map(field).join(',')}\r\n`).join('');
}

// Offers them as a file.
export function saveCsv(name, rows) {
    const address = URL.createObjectURL(new Blob(['\ufeff', csv(rows)], {type: 'text/csv;charset=utf-8'}));
    const link = h('a', {href: address, download: name, hidden: true});
    document.body.append(link);
    link.click();
    link.remove();
    setTimeout(() => URL.revokeObjectURL(address), 10_000);
}

// A text that a spreadsheet would take for a formula gets an apostrophe, so that it is shown as what it is.
function field(value) {
    const text = value === null || value === undefined ? '' : String(value);
    const safe = typeof value === 'string' && /^[=+\-@\t\r]/.test(text) ? `'${text}` : text;
    return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}
