// The pages of the statistics.

import {page} from '../core/dom.js';
import {loadTexts} from '../core/texts.js';
import {chartPage} from '../reports/chart_page.js';
import {dashboardPage} from '../reports/dashboard.js';
import {topPage} from '../reports/top_page.js';

if (page.data.view === 'dashboard') {
    await loadTexts('tasks');
}
await {chart: chartPage, top: topPage, dashboard: dashboardPage}[page.data.view]?.();
