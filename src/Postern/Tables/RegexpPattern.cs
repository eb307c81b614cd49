using System.Runtime.InteropServices;
using Postern.Core.Tables;
using Postern.Native;

namespace Postern.Tables;

/// <summary>An expression compiled by the C library.</summary>
internal sealed unsafe class RegexpPattern : IPattern
{
    private const int MostGroupsOnStack = 32;
    private const int MaxSize = 100_000; // some 20 MB

    private readonly byte* _regex;

    /// <param name="regex">Compiled; from now on ours to free.</param>
    private RegexpPattern(byte* regex, bool mayTakeLong)
    {
        _regex = regex;
        MayTakeLong = mayTakeLong;
        GroupCount = PosixRegex.GroupCount(regex);
    }

    ~RegexpPattern()
    {
        PosixRegex.regfree(_regex);
        NativeMemory.Free(_regex);
    }

    public int GroupCount { get; }

    public bool MayTakeLong { get; }

    /// <param name="flags">Of <c>regcomp</c>.</param>
    /// <param name="problem">On failure, the library's words.</param>
    public static RegexpPattern? Compile(string expression, int flags, out string? problem)
    {
        problem = null;
        var isExtended = (flags & PosixRegex.REG_EXTENDED) != 0;
        if (PosixExpression.Measure(expression, isExtended, out var hasBackReference) > MaxSize)
        {
            problem = "its counted repetitions take too much memory: skipping this rule";
            return null;
        }

        var regex = (byte*)NativeMemory.AllocZeroed(PosixRegex.RegexSize);
        var error = PosixRegex.Compile(regex, expression, flags);
        if (error == 0)
            return new RegexpPattern(regex, hasBackReference);
        problem = PosixRegex.Text(error, regex);
        NativeMemory.Free(regex);
        return null;
    }

    public bool IsMatch(ReadOnlySpan<byte> subject, Span<int> ends, out string? problem)
    {
        problem = null;
        var count = (ends.Length / 2) + 1; // the first match is the whole
        Span<RegexMatch> matches = count <= MostGroupsOnStack ? stackalloc RegexMatch[count] : new RegexMatch[count];
        int result;
        fixed (byte* text = subject)
        {
            var nothing = (byte)0;
            result = PosixRegex.Match(_regex, text == null ? &nothing : text, matches);
        }

        if (result != 0)
        {
            problem = result == PosixRegex.REG_NOMATCH ? null : PosixRegex.Text(result, _regex);
            return false;
        }

        for (var i = 0; i < ends.Length; i++)
            ends[i] = i % 2 == 0 ? matches[(i / 2) + 1].Start : matches[(i / 2) + 1].End;
        GC.KeepAlive(this);
        return true;
    }
}
