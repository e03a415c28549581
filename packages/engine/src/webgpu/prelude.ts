/**
 * WGSL functions that kernels share. WGSL promises little for its own: `sin` may be off by 2⁻¹¹, `tanh` overflow, `atan`
 * lose 12 bits, `log` be off by 2⁻²¹ about 1, and no function need notice what is not a number: on SwiftShader log(−x) is
 * log(x), and exp(NaN) infinite. Polynomials are those of Cephes (Moshier 1984–2000, single precision) and, for `erf` and `tanh`, the
 * rational ones of Eigen.
 */
const functions = {
  isNan: "fn isNan(x: f32) -> bool { return (bitcast<u32>(x) & 0x7fffffffu) > 0x7f800000u; }",
  // Integers in the order of the numbers.
  order: "fn orderOf(x: f32) -> i32 { let b = bitcast<i32>(x + 0.0); return select(b, b ^ 0x7fffffff, b < 0); }",
  // To half precision and back, ties to even. WGSL's own leaves open what becomes of numbers too large, or too small, for
  // it; that they become infinite is how a loss scale finds out.
  half: `fn halfOf(x: f32) -> f32 {
  let b = bitcast<u32>(x); let a = b & 0x7fffffffu; let sign = b & 0x80000000u;
  if (a > 0x7f800000u) { return x; }
  if (a >= 0x477ff000u) { return bitcast<f32>(sign | infinityBits); }
  if (a < 0x38800000u) { return bitcast<f32>(sign | bitcast<u32>(round(abs(x) * 16777216.0) * 5.9604644775390625e-8)); }
  return bitcast<f32>(sign | ((a + 0xfffu + ((a >> 13u) & 1u)) & 0xffffe000u));
}`,
  // The same into a half-precision number, where kernels have them: what becomes of numbers too large is left open there too.
  toHalf: `fn toHalf(x: f32) -> f16 {
  let far = bitcast<vec2<f16>>((infinityBits >> 13u) & 0x7c00u).x;
  return select(f16(x), select(far, -far, x < 0.0), abs(x) >= 65520.0);
}`,
  isInfinite: "fn isInfinite(x: f32) -> bool { return (bitcast<u32>(x) & 0x7fffffffu) == 0x7f800000u; }",
  larger: "fn larger(a: f32, b: f32) -> f32 { return select(select(a, b, b > a), b, isNan(b)); }",
  smaller: "fn smaller(a: f32, b: f32) -> f32 { return select(select(a, b, b < a), b, isNan(b)); }",
  erf: `fn erfOf(x: f32) -> f32 {
  let c = clamp(x, -4.0, 4.0); let z = c * c;
  let p = ((((((-2.72614225801306e-10 * z + 2.77068142495902e-08) * z - 2.10102402082508e-06) * z - 5.69250639462346e-05) * z - 7.34990630326855e-04) * z - 2.95459980854025e-03) * z - 1.60960333262415e-02) * c;
  let q = (((-1.45660718464996e-05 * z - 2.13374055278905e-04) * z - 1.68282697438203e-03) * z - 7.37332916720468e-03) * z - 1.42647390514189e-02;
  return select(p / q, x, isNan(x));
}`,
  tanh: `fn tanhOf(x: f32) -> f32 {
  let c = clamp(x, -7.905311, 7.905311); let z = c * c;
  let p = ((((((-2.76076847742355e-16 * z + 2.00018790482477e-13) * z - 8.60467152213735e-11) * z + 5.12229709037114e-08) * z + 1.48572235717979e-05) * z + 6.37261928875436e-04) * z + 4.89352455891786e-03) * c;
  let q = ((1.19825839466702e-06 * z + 1.18534705686654e-04) * z + 2.26843463243900e-03) * z + 4.89352518554385e-03;
  return select(p / q, x, isNan(x) || abs(x) < 0.0004);
}`,
  sine: `fn sineOf(x: f32, quarter: i32) -> f32 {
  let k = round(x * 0.63661977236758134);
  let r = ((x - k * 1.5703125) - k * 4.837512969970703e-4) - k * 7.549790126404332e-8;
  let z = r * r; let q = (i32(k) + quarter) & 3;
  let s = r + r * z * (-1.6666654611e-1 + z * (8.3321608736e-3 - z * 1.9515295891e-4));
  let c = 1.0 - 0.5 * z + z * z * (4.166664568298827e-2 + z * (-1.388731625493765e-3 + z * 2.443315711809948e-5));
  let v = select(s, c, (q & 1) == 1);
  return select(v, -v, q >= 2);
}`,
  atan: `fn atanOf(x: f32) -> f32 {
  let a = abs(x); let large = a > 2.414213562373095; let middle = !large && a > 0.4142135623730950;
  let t = select(select(a, (a - 1.0) / (a + 1.0), middle), -1.0 / a, large); let z = t * t;
  let y = select(select(0.0, 0.7853981633974483, middle), 1.5707963267948966, large)
    + (((8.05374449538e-2 * z - 1.38776856032e-1) * z + 1.99777106478e-1) * z - 3.33329491539e-1) * z * t + t;
  return select(y, -y, x < 0.0);
}`,
  asin: `fn asinOf(x: f32) -> f32 {
  let a = abs(x); let far = a > 0.5;
  let z = select(a * a, 0.5 * (1.0 - a), far); let t = select(a, sqrt(z), far);
  let p = ((((4.2163199048e-2 * z + 2.4181311049e-2) * z + 4.5470025998e-2) * z + 7.4953002686e-2) * z + 1.6666752422e-1) * z * t + t;
  let y = select(p, 1.5707963267948966 - 2.0 * p, far);
  return select(y, -y, x < 0.0);
}`,
  // log(1 + m) = m + its second, for m from √½ − 1 to √2 − 1.
  log1pParts: `fn log1pParts(m: f32) -> vec2f {
  let z = m * m;
  let p = ((((((((7.0376836292e-2 * m - 1.1514610310e-1) * m + 1.1676998740e-1) * m - 1.2420140846e-1) * m + 1.4249322787e-1) * m - 1.6668057665e-1) * m + 2.0000714765e-1) * m - 2.4999993993e-1) * m + 3.3333331174e-1) * m * z;
  return vec2f(m, p - 0.5 * z);
}`,
  log: `fn logOf(x: f32) -> f32 {
  let b = bitcast<u32>(x);
  if ((b & 0x7fffffffu) == 0u) { return -bitcast<f32>(infinityBits); }
  if (b >= 0x7f800000u) { return select(bitcast<f32>(nanBits), x, b == 0x7f800000u); }
  let tiny = b < 0x800000u; let n = select(b, bitcast<u32>(f32(b)), tiny);
  var e = f32(i32(n >> 23u) - select(126, 275, tiny)); var m = bitcast<f32>((n & 0x7fffffu) | 0x3f000000u);
  if (m < 0.707106781186547524) { e -= 1.0; m += m; }
  let p = log1pParts(m - 1.0);
  return p.x + (p.y - 2.12194440e-4 * e) + 0.693359375 * e;
}`,
  exp: "fn expOf(x: f32) -> f32 { return select(exp(x), x, isNan(x)); }",
  // Nothing of 1 + x is asked that a compiler may shorten: (1 + x) − 1 becomes x in some.
  log1p: `fn log1pOf(x: f32) -> f32 {
  if (x > -0.29289 && x < 0.41421) { let p = log1pParts(x); return p.x + p.y; }
  return logOf(1.0 + x);
}`,
  // Beyond 10⁹ squares overflow, and the root is the number.
  asinh: `fn asinhOf(x: f32) -> f32 {
  let a = abs(x); let near = log1pOf(a + a * a / (1.0 + sqrt(a * a + 1.0)));
  return sign(x) * select(near, logOf(a) + 0.69314718055994531, a > 1e9);
}`,
  acosh: `fn acoshOf(x: f32) -> f32 {
  let t = x - 1.0;
  return select(log1pOf(t + sqrt(t) * sqrt(t + 2.0)), logOf(x) + 0.69314718055994531, x > 1e9);
}`,
  expm1: "fn expm1Of(x: f32) -> f32 { return select(expOf(x) - 1.0, tanhOf(0.5 * x) * (exp(x) + 1.0), abs(x) < 1.0); }",
  // WGSL's own may be off by 2.5 units in the last place: 55 / 55 need not be 1. Here a quotient that float32
  // holds is exact; where `fma` rounds its product, as it may, others are at most a unit off.
  quotient: `fn quotientOf(a: f32, b: f32) -> f32 {
  let q = a / b; let rest = fma(-q, b, a);
  return select(q, q + rest / b, abs(rest) <= abs(a));
}`,
  power: `fn powerOf(a: f32, b: f32) -> f32 {
  if (b == 0.0 || a == 1.0) { return 1.0; }
  if (isNan(a) || isNan(b)) { return bitcast<f32>(nanBits); }
  if (a == 0.0) { return select(0.0, bitcast<f32>(infinityBits), b < 0.0); }
  let p = pow(abs(a), b);
  if (a > 0.0) { return p; }
  if (floor(b) != b) { return select(bitcast<f32>(nanBits), p, isInfinite(a)); }
  return select(p, -p, floor(b * 0.5) * 2.0 != b);
}`,
  // b · 2ᵏ is taken off as long as it fits, the largest first; no difference is rounded (Sterbenz).
  floatRemainder: `fn floatRemainder(a: f32, b: f32) -> f32 {
  let y = abs(b); var r = abs(a);
  if (!(y >= 1.17549435e-38) || !(r <= 3.4028234e38)) { return bitcast<f32>(nanBits); }
  while (r >= y) {
    let k = (bitcast<u32>(r) >> 23u) - (bitcast<u32>(y) >> 23u);
    let t = bitcast<f32>(bitcast<u32>(y) + (k << 23u));
    r -= select(t, 0.5 * t, t > r);
  }
  return select(r, -r, a < 0.0);
}`,
  wholeModulo:
    "fn wholeModulo(a: i32, b: i32) -> i32 { let r = a % b; return select(r, r + b, r != 0 && ((r < 0) != (b < 0))); }",
} as const;

export type Prelude = keyof typeof functions;

const needs: Readonly<Partial<Record<Prelude, readonly Prelude[]>>> = {
  larger: ["isNan"],
  smaller: ["isNan"],
  erf: ["isNan"],
  tanh: ["isNan"],
  exp: ["isNan"],
  log: ["log1pParts"],
  log1p: ["log1pParts", "log"],
  asinh: ["log1pParts", "log", "log1p"],
  acosh: ["log1pParts", "log", "log1p"],
  expm1: ["isNan", "tanh", "exp"],
  power: ["isNan", "isInfinite"],
};

/** Numbers WGSL has no literal for, in variables, which no compiler takes for constants. */
const oddNumbers = "var<private> nanBits: u32 = 0x7fc00000u; var<private> infinityBits: u32 = 0x7f800000u;";

export function preludeText(wanted: ReadonlySet<Prelude>): string {
  const all = new Set([...wanted].flatMap((name) => [...(needs[name] ?? []), name]));
  return [
    oddNumbers,
    ...(Object.keys(functions) as Prelude[]).filter((name) => all.has(name)).map((name) => functions[name]),
  ].join("\n");
}
