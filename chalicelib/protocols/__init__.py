"""Follow-up protocols and message copy, as data.

`copy/templates.json` says what all languages of a template share: its slots, who speaks first, how much it
reveals, and what a clinic at the minimal level sends instead. `copy/<language>.json` holds the words, each
with its version `v`: raise it with every change of the words, because the send log keeps the version and not
the text. Both are read by `chalicelib.adapters.copybook` and held to `chalicelib.domain.wording.proofread` in
the tests.

`copy/pages/<language>.json` holds the words of the pages that links lead to, read by `chalicelib.adapters.pagebook` and
held to `chalicelib.domain.wording.pages`.
"""
