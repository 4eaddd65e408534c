-- Asks Sallyport's forward-auth door (convention x-forwarded) about a request, and puts its word in place of the client's.
-- Whatever goes wrong leaves txn.sallyport unset, and haproxy.cfg refuses.

local door = "http://127.0.0.1:8082/check"

-- What Sallyport says of the sender. Each stands in every yes.
local identity = {
  "sallyport-assertion", "sallyport-user", "sallyport-account", "sallyport-subaccount", "sallyport-credential", "sallyport-scopes",
}

-- What proves who somebody is ends here, whichever dialect a key speaks.
local credentials = {
  "authorization", "signature-input", "signature", "x-mbx-apikey", "api-key", "api-sign", "ok-access-key", "ok-access-sign",
  "ok-access-timestamp", "ok-access-passphrase", "x-bapi-api-key", "x-bapi-sign", "x-bapi-timestamp", "x-bapi-recv-window", "kc-api-key",
  "kc-api-sign", "kc-api-timestamp", "kc-api-passphrase", "kc-api-key-version",
}

-- Headers that belong to the connection or that we write ourselves.
local ours = {
  ["host"] = true, ["content-length"] = true, ["transfer-encoding"] = true, ["connection"] = true, ["expect"] = true,
  ["x-forwarded-method"] = true, ["x-forwarded-uri"] = true, ["x-forwarded-host"] = true,
}

local function lines(list)
  local all = {}
  for i = 0, #list do all[#all + 1] = list[i] end
  return all
end

-- Our cookies stay with us.
local function cookies(http, sent)
  local kept = {}
  for _, line in ipairs(lines(sent)) do
    for pair in line:gmatch("[^;]+") do
      pair = pair:match("^%s*(.-)%s*$")
      local name = pair:match("^[^=]*")
      if name ~= "__Host-sid" and name ~= "__Host-bs" and name ~= "__Host-pre" and name ~= "__Host-dev" and name ~= "__Host-way" then kept[#kept + 1] = pair end
    end
  end
  http:req_del_header("cookie")
  if #kept > 0 then http:req_add_header("cookie", table.concat(kept, "; ")) end
end

core.register_action("sallyport", { "http-req" }, function(txn)
  local sent = txn.http:req_get_headers()
  local asked = {
    ["x-forwarded-method"] = { txn.f:method() },
    ["x-forwarded-uri"] = { txn.f:url() },
    ["x-forwarded-host"] = sent["host"] and lines(sent["host"]) or {},
  }
  for name, values in pairs(sent) do
    if not ours[name] then asked[name] = lines(values) end
  end
  local heard = core.httpclient():get { url = door, headers = asked, timeout = 2000 }
  if heard.status ~= 204 or not heard.headers["sallyport-assertion"] then
    if heard.status == 0 or heard.status < 300 then return end
    local reply = txn:reply { status = heard.status, body = heard.body }
    for name, values in pairs(heard.headers) do
      if name ~= "content-length" and name ~= "transfer-encoding" and name ~= "connection" then
        for _, value in ipairs(lines(values)) do reply:add_header(name, value) end
      end
    end
    txn:done(reply)
  end
  for _, name in ipairs(identity) do
    txn.http:req_del_header(name)
    if heard.headers[name] then txn.http:req_add_header(name, heard.headers[name][0]) end
  end
  for _, name in ipairs(credentials) do txn.http:req_del_header(name) end
  if sent["cookie"] then cookies(txn.http, sent["cookie"]) end
  local retires = heard.headers["sallyport-key-retires"] -- tells a bot that its secret was replaced
  if retires then txn:set_var("txn.sallyport_retires", retires[0]) end
  txn:set_var("txn.sallyport", "yes")
end, 0)
