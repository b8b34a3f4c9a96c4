package main

import (
	"math"
	"slices"
	"strconv"
	"strings"
)

// benchStat is what is said of the same figure of many transfers. Stddev is
// the standard deviation of a sample (divided by n-1), 0 of a single one.
type benchStat struct {
	Median float64 `json:"median"`
	Mean   float64 `json:"mean"`
	Stddev float64 `json:"stddev"`
	Min    float64 `json:"min"`
	Max    float64 `json:"max"`
}

// statOf sums up values, of which there is at least one.
func statOf(values []float64) benchStat {
	s := benchStat{Median: median(values), Mean: mean(values), Min: slices.Min(values), Max: slices.Max(values)}
	if len(values) > 1 {
		squares := 0.0
		for _, v := range values {
			squares += (v - s.Mean) * (v - s.Mean)
		}
		s.Stddev = math.Sqrt(squares / float64(len(values)-1))
	}
	return s
}

func mean(values []float64) float64 {
	sum := 0.0
	for _, v := range values {
		sum += v
	}
	return sum / float64(len(values))
}

// pairedRatio returns the median of the ratios of values to base, round by
// round, and 0 if a round's base is 0: a ratio to what was too short for the
// clock says nothing.
func pairedRatio(values, base []float64) float64 {
	ratios := make([]float64, len(values))
	for i := range values {
		if base[i] <= 0 {
			return 0
		}
		ratios[i] = values[i] / base[i]
	}
	return median(ratios)
}

// formatFigure writes a figure for people: three digits that count, whole
// numbers from 100 on, grouped from 10 000 on by spaces as in ISO 80000-1. What
// is below a ten-thousandth has an exponent.
func formatFigure(v float64) string {
	switch a := math.Abs(v); {
	case v == 0:
		return "0"
	case a >= 99.95:
		return groupDigits(strconv.FormatFloat(v, 'f', 0, 64))
	case a >= 9.995:
		return strconv.FormatFloat(v, 'f', 1, 64)
	case a >= 0.9995:
		return strconv.FormatFloat(v, 'f', 2, 64)
	case a >= 0.09995:
		return strconv.FormatFloat(v, 'f', 3, 64)
	case a >= 0.0001:
		return strconv.FormatFloat(v, 'f', 4, 64)
	}
	return strconv.FormatFloat(v, 'e', 1, 64)
}

func groupDigits(digits string) string {
	sign := ""
	if strings.HasPrefix(digits, "-") {
		sign, digits = "-", digits[1:]
	}
	if len(digits) < 5 {
		return sign + digits
	}
	head := len(digits) % 3
	var b strings.Builder
	b.WriteString(sign + digits[:head])
	for i := head; i < len(digits); i += 3 {
		if i > 0 {
			b.WriteByte(' ')
		}
		b.WriteString(digits[i : i+3])
	}
	return b.String()
}
