// What scripts see of Lua, made in Lua before the first of them runs. Redis's Lua has tables that cannot be written; plain Lua 5.1
// has none, so every table that scripts share is shown through an empty one that refuses what is written to it and finds the
// rest in the table behind. A read passes through without a call. What would tell the two apart, or reach behind, is replaced:
// rawset, rawget, next, pairs, getmetatable, setmetatable, setfenv. Nothing in here uses a global, and its own environment
// is empty, so getfenv on any of it finds nothing.

/** The chunk's name, which errors skip when they look for the line of the script. */
export const SANDBOX = "=sandbox";

/**
 * Takes the functions of the host by name; answers the error handler, the globals of scripts, the environment of functions,
 * and what shows the loader's globals in it (true) or its own (false).
 */
export const SANDBOX_CODE = `
local host = ...
local G = getfenv(0)
local type, error, select, tostring, next, pairs = type, error, select, tostring, next, pairs
local rawset, rawget, setmetatable, getmetatable = rawset, rawget, setmetatable, getmetatable
local pcall, load, loadstring, setfenv, getinfo = pcall, load, loadstring, setfenv, debug.getinfo
local byte, concat, stringmeta = string.byte, table.concat, getmetatable('')
local nothing = {}
setfenv(1, nothing)

local behind = { [nothing] = {} }
local metas = { [nothing] = false }
local function refuse() error('Attempt to modify a readonly table', 2) end
setmetatable(nothing, { __newindex = refuse })
local function locked(t)
  local shown = {}
  behind[shown] = t
  metas[shown] = false
  return setmetatable(shown, { __index = t, __newindex = refuse })
end

local function unwrap(ok, problem, ...)
  if ok then return true, problem, ... end
  if type(problem) == 'table' then
    local text = problem.err
    if type(text) == 'string' or type(text) == 'number' then problem = text end
  end
  return false, problem
end

local function compile(code, name)
  if type(code) == 'string' and byte(code, 1) == 27 then return nil, 'compiled code is not accepted' end
  if name == nil then return loadstring(code) end
  return loadstring(code, name)
end

local visible = {}
for name in pairs({ xpcall = 1, tostring = 1, getfenv = 1, assert = 1, tonumber = 1, rawequal = 1, collectgarbage = 1,
  type = 1, select = 1, unpack = 1, gcinfo = 1, ipairs = 1, _VERSION = 1, error = 1, newproxy = 1 }) do
  visible[name] = G[name]
end
function visible.pcall(...)
  if select('#', ...) == 0 then error("bad argument #1 to 'pcall' (value expected)", 2) end
  return unwrap(pcall(...))
end
function visible.loadstring(code, name)
  if type(code) ~= 'string' and type(code) ~= 'number' then
    error("bad argument #1 to 'loadstring' (string expected, got " .. type(code) .. ')', 2)
  end
  return compile(tostring(code), name)
end
function visible.load(reader, name)
  if type(reader) ~= 'function' then
    error("bad argument #1 to 'load' (function expected, got " .. type(reader) .. ')', 2)
  end
  local pieces = {}
  while true do
    local piece = reader()
    if piece == nil or piece == '' then break end
    if type(piece) ~= 'string' then return nil, 'reader function must return a string' end
    pieces[#pieces + 1] = piece
  end
  return compile(concat(pieces), name or '=(load)')
end
function visible.rawset(t, name, value)
  if behind[t] then error('Attempt to modify a readonly table', 0) end
  return rawset(t, name, value)
end
function visible.rawget(t, name) return rawget(behind[t] or t, name) end
function visible.next(t, name) return next(behind[t] or t, name) end
local shownnext = visible.next
function visible.pairs(t)
  if behind[t] then return shownnext, t, nil end
  return pairs(t)
end
function visible.setmetatable(t, meta)
  if behind[t] then error('Attempt to modify a readonly table', 0) end
  return setmetatable(t, meta)
end
function visible.getmetatable(t)
  if behind[t] then return metas[t] or nil end
  if type(t) == 'string' then return metas.string end
  return getmetatable(t)
end
function visible.setfenv(level, env)
  if level == 0 then error('Attempt to modify a readonly table', 0) end
  if type(level) == 'number' then level = level + 1 end
  return setfenv(level, env)
end

G.math.random, G.math.randomseed = host.random, host.randomseed
for _, name in pairs({ 'string', 'math', 'table', 'coroutine' }) do visible[name] = locked(G[name]) end
visible.os = locked({ clock = host.clock })
for name, functions in pairs(host.libraries) do visible[name] = locked(functions) end
metas.string = locked(stringmeta)

local absent = { __index = function(_, name)
  error("Script attempted to access nonexistent global variable '" .. tostring(name) .. "'", 2)
end }
local shownabsent = locked(absent)

local function environment(globals)
  local shown = locked(globals)
  globals._G = shown
  metas[shown] = shownabsent
  setmetatable(globals, absent)
  return shown
end

local function copy(from, more)
  local to = {}
  for name, value in pairs(from) do to[name] = value end
  for name, value in pairs(more) do to[name] = value end
  return to
end

local functionglobals = copy(visible, { redis = locked(copy(host.redis, {})) })
setmetatable(functionglobals, absent)
local loaderredis = setmetatable(copy(host.logging, { register_function = host.register }), absent)
local loader = setmetatable({ redis = locked(loaderredis) }, absent)
local functionmeta = { __index = functionglobals, __newindex = refuse }
local functions = setmetatable({}, functionmeta)
behind[functions] = functionglobals
metas[functions] = shownabsent
functionglobals._G = functions

visible.redis = locked(copy(host.redis, host.debugging))
local scripts = environment(visible)
setfenv(0, scripts)

local function handler(problem)
  local level = 2
  local at = getinfo(level, 'nSl')
  while at and (at.what == 'C' or at.source == '=sandbox') do
    level = level + 1
    at = getinfo(level, 'nSl')
  end
  if type(problem) ~= 'table' then problem = { err = 'ERR ' .. tostring(problem) } end
  if at then
    problem.source = at.source
    problem.line = at.currentline
  end
  return problem
end

return handler, visible, functions, function(isLoading)
  functionmeta.__index = isLoading and loader or functionglobals
  behind[functions] = functionmeta.__index
end
`;
