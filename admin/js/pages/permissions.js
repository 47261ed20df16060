// The pages of folder permissions.

import {page} from '../core/dom.js';
import {matrixPage} from '../permissions/matrix_page.js';
import {tracePage} from '../permissions/trace_page.js';

await {matrix: matrixPage, trace: tracePage}[page.data.view]?.();
