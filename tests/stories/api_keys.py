# SPDX-License-Identifier: Apache-2.0
"""Files of API keys for stories, as `sidegate keys` writes them."""
import hashlib

SALT = bytes(range(32))
GOOD, OTHER, DISABLED, LOOSE, REVOKED = ("a" * 20, "B" * 40, "c-" * 15, "0" * 128, "r" * 30)


def hashed(value, salt=SALT):
    return hashlib.sha256(salt + value.encode()).hexdigest()


def key_line(key_id, value, more=""):
    return f'  - {{ id: {key_id}, name: "{key_id} of a shop", hash: "{hashed(value)}"{more} }}\n'


ALL = (key_line("k1", GOOD) + key_line("k2", OTHER, ", plans: [basic]") +
       key_line("off", DISABLED, ", enabled: false, plans: [basic]") + key_line("loose", LOOSE))


def write_keys(path, lines=ALL):
    text = f'version: 1\nsalt: "{SALT.hex()}"\nkeys:\n{lines}'
    new = path.with_suffix(".new")
    new.write_text(text)
    new.chmod(0o600)
    new.rename(path)
    return path
