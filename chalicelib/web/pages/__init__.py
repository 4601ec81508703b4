"""The pages that links lead to: plain HTML, no script, no cookie, nothing loaded from anywhere.

One module a page: `show` says how things stand and changes nothing; `press` does what one button says and leads back to
`show`, so that going back or opening the page again never asks to send anything twice. Templates and style stand in
`templates`, the words in `chalicelib/protocols/copy/pages`.
"""
