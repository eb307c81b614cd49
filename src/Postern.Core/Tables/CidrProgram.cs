using System.Numerics;
using System.Runtime.InteropServices;

namespace Postern.Core.Tables;

/// <summary>
/// The rules of a cidr table for one address family, laid out for the scan that every connection pays for. A step
/// <em>stops</em> the scan when it matches; a result stops it by matching, an <c>if</c> by not matching (the scan goes on
/// behind its <c>endif</c>). With negation folded into the same bit, the inner loop has one comparison and no branches,
/// and IPv4 takes several steps at once.
/// </summary>
internal sealed class CidrProgram
{
    private readonly Lane[] _lanes;
    private readonly uint[] _low;
    private readonly uint[] _lowMask;
    private readonly uint[] _inverted;
    private readonly string?[] _results;
    private readonly int[] _targets;
    private readonly bool _isIPv4;

    private CidrProgram(List<Step> steps, bool isIPv4)
    {
        _isIPv4 = isIPv4;
        _results = [.. steps.Select(step => step.Result)];
        _targets = [.. steps.Select(step => step.Target)];
        _lanes = isIPv4 ? [] : [.. steps.Select(step => new Lane(
            step.Network.Address.High, step.Network.Address.Low, step.Network.MaskHigh, step.Network.MaskLow, step.StopsOnMiss))];
        _low = isIPv4 ? [.. steps.Select(step => step.Network.Address.IPv4Bits)] : [];
        _lowMask = isIPv4 ? [.. steps.Select(step => (uint)step.Network.MaskLow)] : [];
        _inverted = isIPv4 ? [.. steps.Select(step => step.StopsOnMiss ? uint.MaxValue : 0)] : [];
    }

    /// <summary>Picks the rules of one family. A block that is conditional on the other family is left out whole.</summary>
    public static CidrProgram Compile(List<CidrRule> rules, bool isIPv4)
    {
        var steps = new List<Step>();
        var open = new Stack<int>(); // indexes of steps whose endif is yet to come
        for (var i = 0; i < rules.Count; i++)
        {
            var rule = rules[i];
            if (rule.Kind == CidrRuleKind.EndIf)
            {
                var condition = open.Pop();
                steps[condition] = steps[condition] with { Target = steps.Count };
            }
            else if (rule.Network.IsIPv4 == isIPv4)
            {
                var isCondition = rule.Kind == CidrRuleKind.If;
                if (isCondition)
                    open.Push(steps.Count);
                steps.Add(new Step(rule.Network, rule.IsNegated != isCondition, rule.Result, Target: int.MaxValue));
            }
            else if (rule.Kind == CidrRuleKind.If)
            {
                i = EndOfBlock(rules, i);
            }
        }

        return new CidrProgram(steps, isIPv4);
    }

    /// <returns>The first matching rule's result; null: none.</returns>
    public string? Find(IpAddress address)
    {
        var at = 0;
        while (true)
        {
            at = _isIPv4 ? NextStop(address.IPv4Bits, at) : NextStop(address.High, address.Low, at);
            if (at >= _results.Length)
                return null;
            if (_results[at] is { } result)
                return result;
            at = _targets[at];
            if (at >= _results.Length)
                return null;
        }
    }

    private int NextStop(uint bits, int from)
    {
        ReadOnlySpan<uint> low = _low, mask = _lowMask, inverted = _inverted;
        var width = Vector<uint>.Count;
        var i = from;
        if (low.Length - i >= width)
        {
            var wanted = new Vector<uint>(bits);
            for (; i <= low.Length - width; i += width)
            {
                var matches = Vector.Equals((wanted ^ new Vector<uint>(low[i..])) & new Vector<uint>(mask[i..]), Vector<uint>.Zero);
                if ((matches ^ new Vector<uint>(inverted[i..])) != Vector<uint>.Zero)
                    break;
            }
        }

        for (; i < low.Length; i++)
        {
            if ((((bits ^ low[i]) & mask[i]) == 0) != (inverted[i] != 0))
                break;
        }

        return i;
    }

    private int NextStop(ulong high, ulong low, int from)
    {
        ReadOnlySpan<Lane> lanes = _lanes;
        var i = from;
        for (; i < lanes.Length; i++)
        {
            ref readonly var lane = ref lanes[i];
            if (((((high ^ lane.High) & lane.MaskHigh) | ((low ^ lane.Low) & lane.MaskLow)) == 0) != lane.StopsOnMiss)
                break;
        }

        return i;
    }

    private static int EndOfBlock(List<CidrRule> rules, int condition)
    {
        var depth = 0;
        for (var i = condition; i < rules.Count; i++)
        {
            if (rules[i].Kind == CidrRuleKind.If)
                depth++;
            else if (rules[i].Kind == CidrRuleKind.EndIf && --depth == 0)
                return i;
        }

        return rules.Count; // an if without endif reaches to the end
    }

    /// <param name="Target">For a condition, the step behind its endif.</param>
    private readonly record struct Step(IpNetwork Network, bool StopsOnMiss, string? Result, int Target);

    [StructLayout(LayoutKind.Auto)]
    private readonly record struct Lane(ulong High, ulong Low, ulong MaskHigh, ulong MaskLow, bool StopsOnMiss);
}
