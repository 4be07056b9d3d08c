-- What luacheck knows about our Lua. `std` is the plain language: the sandbox takes things away,
-- but it adds no globals, since a script gets everything through require("voice").
std = "lua54"
max_line_length = 100
self = false -- a method need not use its self

files["tests/spec"] = { std = "lua54+busted" }
files["**/*_spec.lua"] = { std = "lua54+busted" }

-- Annotations only: their functions have arguments and no bodies.
files["lualib/voice/types"] = { ignore = { "111", "112", "211", "212", "241", "631" } }
