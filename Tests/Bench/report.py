"""The figures of a run as a table, as JSON, and as a bar chart."""

import json
import os
import platform

from contestants import CASES

# What the project asks of itself: (case, other, at most this many times the other's CPU time per request).
GOALS = [
    ("small", "floor", 1.4),
    ("large", "floor", 1.1),
    ("proxy", "haproxy", 1.0),
    ("proxy", "haproxy-log", 1.0),
    ("proxy", "nginx", 0.5),
    ("proxy", "nginx-plain", 0.5),
    ("hit", "floor", 1.3),
    ("hit", "haproxy", 1.0),
    ("hit", "haproxy-log", 1.0),
    ("hit", "nginx", 0.45),
    ("hit-large", "floor", 1.05),
    ("hooks", "floor", 1.6),
    ("hooks", "nginx", 0.5),
    ("hooks", "haproxy", 0.7),
]
# (case, other, at most so many µs more than the other)
EXTRA_GOALS = [("noop", "edged-plain", 0.3)]
# And at rest: (key, at most, unit).
IDLE_GOALS = [("resident_mb", 25, "MB resident"), ("bytes_per_connection", 4096, "bytes per idle connection"),
              ("ready_ms", 100, "ms until ready")]

# Heap allocations per warm request, by case. None is wanted; what is allowed is the share of a request in opening and
# closing its connection.
ALLOCATION_GOALS = {"small": 0.05, "proxy": 0.05, "hit": 0.05}


def machine():
    model = "unknown"
    with open("/proc/cpuinfo") as info:
        for line in info:
            if line.startswith("model name"):
                model = line.partition(":")[2].strip()
                break
    return {"cpu": model, "cpus": os.cpu_count(), "kernel": platform.release()}


def publish(results, folder):
    print_cases(results)
    print_idle(results)
    print_goals(results)
    os.makedirs(folder, exist_ok=True)
    with open(os.path.join(folder, "bench.json"), "w") as file:
        json.dump(results, file, indent=2)
    with open(os.path.join(folder, "bench.svg"), "w") as file:
        file.write(chart(results["cases"]))
    print(f"\nwritten: {os.path.relpath(folder)}/bench.json, bench.svg")


def ratio(rows, name, other):
    if name not in rows or other not in rows:
        return None
    return rows[name]["cpu_us_per_request"] / rows[other]["cpu_us_per_request"]


def shown(value, form="{:.2f}"):
    return "-" if value is None else form.format(value)


def print_cases(results):
    for case, rows in results["cases"].items():
        print(f"\n{CASES[case]}, keep-alive, 64 connections; CPU time is the server's")
        print(f"{'':12}{'CPU µs/req':>12}{'req/s':>10}{'p99 ms':>9}{'×floor':>9}{'×haproxy':>10}{'×nginx':>9}{'errors':>8}")
        for name, row in rows.items():
            ratios = [shown(ratio(rows, name, other)) for other in ("floor", "haproxy", "nginx")]
            print(
                f"{name:12}{row['cpu_us_per_request']:12.2f}{row['requests_per_second']:10.0f}"
                f"{row['p99_us'] / 1000:9.2f}{ratios[0]:>9}{ratios[1]:>10}{ratios[2]:>9}{row['errors']:8}"
            )


def print_idle(results):
    if not results["idle"]:
        return
    print("\nat rest: resident memory of all processes, then with idle keep-alive connections; start-up time")
    print(f"{'':12}{'MB':>8}{'connections':>13}{'bytes each':>12}{'ready ms':>10}")
    for name, row in results["idle"].items():
        print(
            f"{name:12}{row['resident_mb']:8.1f}{row['connections']:13}{row['bytes_per_connection']:12.0f}"
            f"{row['ready_ms']:10.1f}"
        )


def print_goals(results):
    lines = []
    for case, other, most in GOALS:
        value = ratio(results["cases"].get(case, {}), "edged", other)
        if value is not None:
            lines.append((value <= most, f"{CASES[case]}: {value:.2f} × {other}, at most {most} wanted"))
    for case, other, most in EXTRA_GOALS:
        rows = results["cases"].get(case, {})
        if "edged" in rows and other in rows:
            value = rows["edged"]["cpu_us_per_request"] - rows[other]["cpu_us_per_request"]
            lines.append((value <= most, f"{CASES[case]}: {value:+.2f} µs beside {other}, at most {most} wanted"))
    for key, most, unit in IDLE_GOALS:
        if "edged" in results["idle"]:
            value = results["idle"]["edged"][key]
            lines.append((value <= most, f"{value:.1f} {unit}, at most {most} wanted"))
    for case, value in results["allocations"].items():
        most = ALLOCATION_GOALS[case]
        text = f"{CASES[case]}: {value:.3f} heap allocations per warm request, at most {most} wanted"
        lines.append((value <= most, text))
    for name, reason in results["failures"].items():
        lines.append((False, f"{name} did not take part: {reason}"))
    if lines:
        print("\ngoals")
    for holds, text in lines:
        print(f"  {'holds ' if holds else 'SHORT '} {text}")


COLOURS = {"edged": "#e4572e", "floor": "#9aa4ba"}
ROW, LEFT, WIDE, TOP = 22, 100, 520, 34


def chart(cases):
    """One group of bars per case, each scaled to its own longest bar."""
    parts, y = [], 10
    for case, rows in cases.items():
        if not rows:
            continue
        longest = max(row["cpu_us_per_request"] for row in rows.values())
        parts.append(f'<text x="10" y="{y + 16}" class="case">{CASES[case]}: CPU µs per request</text>')
        y += TOP
        for name, row in sorted(rows.items(), key=lambda item: item[1]["cpu_us_per_request"]):
            value = row["cpu_us_per_request"]
            width = max(2, WIDE * value / longest)
            parts.append(f'<text x="{LEFT - 8}" y="{y + 13}" text-anchor="end">{name}</text>')
            parts.append(
                f'<rect x="{LEFT}" y="{y}" width="{width:.1f}" height="{ROW - 6}" rx="2"'
                f' fill="{COLOURS.get(name, "#5b7db1")}"/>'
            )
            parts.append(f'<text x="{LEFT + width + 6:.1f}" y="{y + 13}">{value:.1f}</text>')
            y += ROW
        y += 12
    style = "text{font:13px system-ui,sans-serif;fill:#1d2433}.case{font-weight:600}"
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {LEFT + WIDE + 70} {y}">'
        f'<style>{style}</style><rect width="100%" height="100%" fill="#fff"/>\n' + "\n".join(parts) + "\n</svg>\n"
    )
