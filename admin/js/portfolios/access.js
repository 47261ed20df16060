// Who may do what with a portfolio, in one word for people and in two numbers for the API.

import {t} from '../core/texts.js';

const PUBLIC = 1; // the group of everybody
const NORMAL_USERS = 2; // the group of all who can log in

export const LEVELS = [0, 10, 20];

// {internal, everybody}: what those who have logged in, and what everybody may do.
export function accessOf(portfolio) {
    const given = group => portfolio.permissions.find(row => row.group_id === group)?.access ?? 0;
    return {internal: given(NORMAL_USERS), everybody: given(PUBLIC)};
}

// What goes into a list.
export function accessText(portfolio) {
    const {internal, everybody} = accessOf(portfolio);
    if (everybody >= internal && everybody) {
        return t(everybody >= 20 ? 'access_everybody_download' : 'access_everybody_view');
    }
    if (everybody) {
        return t('access_mixed');
    }
    if (internal) {
        return t(internal >= 20 ? 'access_users_download' : 'access_users_view');
    }
    return t('access_private');
}
