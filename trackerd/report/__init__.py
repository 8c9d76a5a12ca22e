"""The questions to the record, their answers as plain values, and the pages people are given.

What must stay true here: a question (day, zone, plan, place) reads the store and returns frozen values, and knows no
language, no format and no screen; a page is made of an answer in one language; a format knows only pages.
"""
