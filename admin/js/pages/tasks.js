// The pages of tasks.

import {page} from '../core/dom.js';
import {tasksPage} from '../tasks/list.js';
import {taskPage} from '../tasks/task.js';

await {tasks: tasksPage, task: taskPage}[page.data.view]?.();
