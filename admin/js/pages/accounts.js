// The pages of users and groups: each of them is a view of its own.

import {page} from '../core/dom.js';
import {groupPage} from '../accounts/group.js';
import {groupsPage} from '../accounts/groups.js';
import {userPage} from '../accounts/user.js';
import {usersPage} from '../accounts/users.js';

const views = {users: usersPage, user: userPage, groups: groupsPage, group: groupPage};

await views[page.data.view]?.();
