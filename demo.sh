#!/usr/bin/env bash
# The whole way on a small simulated city, in ./demo (removed and made again). Called by `make demo`.
set -euo pipefail
cd "$(dirname "$0")"
export ANXIN_HOME=demo ANXIN_PROGRESS="${ANXIN_PROGRESS:-lines}"
unset ANXIN_LEDGER_URL MLFLOW_TRACKING_URI # the demo keeps to its own folder

learned=2026-06-23 # the model knows what was received before this day,
before=2026-06-24  # was live a week ago,
today=2026-07-01   # and today; the simulated city ends the day before
anxin=.venv/bin/anxin

step() { printf '\n[%3d s] %s\n' "$SECONDS" "$*" >&2; }

rm -rf demo && mkdir demo
step "1/6 模拟城市 simulating a city of 5,600 employers and 400 projects over 24 months"
$anxin simulate demo/city --scale 0.02 --months 24 --seed 1
step "2/6 接收报送 taking the delivery in"
$anxin ingest demo/city/feeds >demo/ingest.txt
tail -n 1 demo/ingest.txt
step "3/6 训练两类模型 training a model of employers and one of projects, known before $learned"
$anxin train --through "$learned"
step "4/6 每日运行 the daily run, a week ago and today"
$anxin run "$before"
$anxin run "$today"
step "5/6 今日清单 today's list"
$anxin list "$today" --head 6
step "6/6 研判报告 the report of the first row"
$anxin list "$today" --format json --out demo/list.json 2>/dev/null
first=$(.venv/bin/python -c '
import json
rows = json.load(open("demo/list.json", encoding="utf-8"))["rows"]
print(next((row for row in rows if not row["in_hand"]), rows[0])["subject_id"])')
$anxin report "$today" "$first" --format html --out demo/report.html
$anxin report "$today" "$first" --format pdf --out demo/report.pdf

cat <<END

完成，用时 $SECONDS 秒。打开网页 done in $SECONDS s. To open the console:

  export ANXIN_HOME=demo
  $anxin token create --person 张三 --unit 欠薪治理中心 --everything    # 令牌只显示一次 the token is shown once
  make serve                                                          # 然后打开 then open http://127.0.0.1:3000
END
