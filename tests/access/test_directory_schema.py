from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from qisd.access.directory_schema import (
    ACTIVE_DIRECTORY,
    APPLE,
    KINDS,
    OPENLDAP_POSIX,
    Entry,
    canonical_name,
    escape,
    groups_filter,
    person_names,
    same_dn,
)


def entry(**attributes: str | bytes | list[str]) -> Entry:
    """An entry with one or more values of each attribute."""
    values = {}
    for name, given in attributes.items():
        several = given if isinstance(given, list) else [given]
        values[name.lower().replace("_", "-")] = [one.encode() if isinstance(one, str) else one for one in several]
    return Entry(dn="uid=anna,dc=example,dc=com", attributes=values)


class EscapeTests(SynchronousTestCase):
    """Values in filters."""

    def test_what_means_something_in_a_filter_is_escaped_as_rfc_4515_says(self) -> None:
        for text, escaped in (
            ("*", r"\2a"),
            ("(", r"\28"),
            (")", r"\29"),
            ("\\", r"\5c"),
            ("\0", r"\00"),
            ("*)(uid=*", r"\2a\29\28uid\3d\2a"),
            (r"\2a", r"\5c2a"),
            ("ä", r"\c3\a4"),
            (" a ", r"\20a\20"),
            (b"\x00\xff", r"\00\ff"),
        ):
            with self.subTest(text=text):
                self.assertEqual(escape(text), escaped)

    def test_letters_and_digits_stay(self) -> None:
        self.assertEqual(escape("Anna42"), "Anna42")

    def test_a_name_with_meaning_stays_one_value_of_the_filter_for_people(self) -> None:
        self.assertEqual(
            OPENLDAP_POSIX.person_filter("*)(uid=*"), r"(&(objectClass=posixAccount)(uid=\2a\29\28uid\3d\2a))"
        )

    def test_each_kind_has_its_class_and_name(self) -> None:
        self.assertEqual(
            {name: kind.person_filter("x") for name, kind in KINDS.items()},
            {
                "openldapposix": "(&(objectClass=posixAccount)(uid=x))",
                "openldaporganizational": "(&(objectClass=organizationalPerson)(uid=x))",
                "apple": "(&(objectClass=apple-user)(uid=x))",
                "activedirectory": "(&(objectClass=user)(sAMAccountName=x))",
            },
        )


class NameTests(SynchronousTestCase):
    """Names of people."""

    def test_a_common_name_of_two_words_is_first_and_last_name(self) -> None:
        self.assertEqual(person_names(entry(cn="anna  MEYER", givenName="x", sn="y")), ("Anna", "Meyer"))

    def test_otherwise_given_name_and_surname_are(self) -> None:
        for cn in ("Meyer", "Anna Maria Meyer", ""):
            with self.subTest(cn=cn):
                found = person_names(entry(cn=cn, givenName="anna maria", sn="MEYER"))
                self.assertEqual(found, ("Anna maria", "Meyer"))

    def test_what_is_missing_is_unknown(self) -> None:
        self.assertEqual(person_names(entry(cn="admin")), ("Unknown", "Unknown"))
        self.assertEqual(person_names(entry(givenName="  ", sn="MEYER")), ("Unknown", "Meyer"))

    def test_letters_beyond_ascii_change_their_case_too(self) -> None:
        self.assertEqual(person_names(entry(cn="ÄNNE öztürk")), ("Änne", "Öztürk"))

    def test_they_are_cut_to_120_characters_even_if_a_capital_makes_them_longer(self) -> None:
        first, last = person_names(entry(cn=f"{'ß' * 120} {'a' * 121}"))
        self.assertEqual(first, "SS" + "ß" * 118)
        self.assertEqual(last, "A" + "a" * 119)

    def test_control_characters_and_damaged_text_do_no_harm(self) -> None:
        self.assertEqual(person_names(entry(givenName="an\0na", sn=b"me\xff")), ("An na", "Me\ufffd"))

    def test_the_user_name_is_as_the_directory_spells_it(self) -> None:
        self.assertEqual(canonical_name(entry(uid="Anna"), OPENLDAP_POSIX, "aNNa"), "Anna")
        self.assertEqual(canonical_name(entry(sAMAccountName="Anna"), ACTIVE_DIRECTORY, "aNNa"), "Anna")

    def test_of_several_user_names_it_is_the_typed_one(self) -> None:
        several = entry(uid=["Zora", "Anna"])
        self.assertEqual(canonical_name(several, OPENLDAP_POSIX, "zora"), "Zora")
        self.assertEqual(canonical_name(several, OPENLDAP_POSIX, "something that the server found equal"), "Anna")

    def test_it_is_empty_where_the_directory_does_not_show_it(self) -> None:
        self.assertEqual(canonical_name(entry(cn="Anna"), OPENLDAP_POSIX, "anna"), "")


class GroupTests(SynchronousTestCase):
    """The filter for groups."""

    def test_it_names_the_person_in_each_way_that_groups_do_it(self) -> None:
        dn = r"uid\3danna\2cdc\3dexample\2cdc\3dcom"
        self.assertEqual(
            groups_filter(entry(gidNumber="100"), OPENLDAP_POSIX, "anna*"),
            rf"(|(&(objectClass=posixGroup)(|(memberUid=anna\2a)(gidNumber=100)))"
            rf"(&(objectClass=groupOfNames)(member={dn}))(&(objectClass=groupOfUniqueNames)(uniqueMember={dn})))",
        )

    def test_for_apple_also_by_the_unique_id(self) -> None:
        made = groups_filter(entry(apple_generateduid="AB-1"), APPLE, "anna")
        self.assertIn(r"(|(memberUid=anna)(apple-group-memberguid=AB\2d1))", made)

    def test_the_primary_group_of_active_directory_is_found_by_its_identifier(self) -> None:
        sid = bytes.fromhex("010200000000000520000000") + (1105).to_bytes(4, "little")
        made = groups_filter(entry(objectSid=sid, primaryGroupID="513"), ACTIVE_DIRECTORY, "anna")
        primary = escape(bytes.fromhex("010200000000000520000000") + (513).to_bytes(4, "little"))
        self.assertIn(f"(objectSid={primary})", made)

    def test_without_a_usable_identifier_there_is_no_condition_for_it(self) -> None:
        for person in (entry(), entry(objectSid=b"1" * 16), entry(objectSid=b"1", primaryGroupID="513")):
            with self.subTest(person=person):
                self.assertNotIn("objectSid", groups_filter(person, ACTIVE_DIRECTORY, "anna"))


class SameDnTests(SynchronousTestCase):
    """Comparing the names of entries."""

    def test_case_spaces_escapes_and_the_order_within_a_part_mean_nothing(self) -> None:
        for one, other in (
            ("uid=anna,dc=example,dc=com", "UID=Anna, DC=Example ,dc=com"),
            (r"cn=Meyer\, Anna,dc=x", r"cn=Meyer\2c Anna,dc=x"),
            ("cn=Änne,dc=x", r"cn=\C3\84nne,dc=x"),
            (r"cn=a\+b\\c\=d,dc=x", r"cn=a\2bb\5Cc=d,dc=x"),
            ("cn=a+uid=b,dc=x", "uid=b+cn=a,dc=x"),
        ):
            with self.subTest(one=one):
                self.assertTrue(same_dn(one, other))

    def test_other_entries_are_others(self) -> None:
        for one, other in (
            ("uid=anna,dc=x", ""),
            ("uid=anna,dc=x", "uid=anne,dc=x"),
            ("uid=anna,dc=x", "cn=anna,dc=x"),
            ("uid=anna,dc=x", "uid=anna,ou=y,dc=x"),
            (r"cn=a\,dc=x", "cn=a,dc=x"),
            (r"cn=a\+uid=b,dc=x", "cn=a+uid=b,dc=x"),
        ):
            with self.subTest(one=one, other=other):
                self.assertFalse(same_dn(one, other))
