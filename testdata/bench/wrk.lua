-- Bodies for wrk: those of gen, in turn. wrk.lua reads them from $BODIES.
local bodies, n = {}, 0
function init()
  for line in io.lines(os.getenv("BODIES")) do
    bodies[#bodies + 1] = line
    if #bodies == 20000 then break end
  end
  wrk.method = "POST"
  wrk.headers["Content-Type"] = "application/json"
end
function request()
  n = n % #bodies + 1
  return wrk.format(nil, nil, nil, bodies[n])
end
