using Postern.Core.Tables;
using Postern.Native;

namespace Postern.Tables;

/// <summary>
/// An expression compiled by libpcre2-8, to machine code where the system lets us. Matching is bounded, because it happens
/// on the loop: an expression that explodes on some text ends in an error after milliseconds.
/// </summary>
internal sealed unsafe class PcrePattern : IPattern
{
    // Postfix takes the library's ten million steps, which can take a second.
    private const uint MostSteps = 500_000;
    private const uint MostKibibytes = 20_000;

    private readonly nint _code;
    private readonly nint _context;
    private nint _spareData; // room for a match; 0: somebody is using it

    /// <param name="code">From now on ours to free.</param>
    public PcrePattern(nint code)
    {
        _code = code;
        _spareData = NewData();
        _context = Pcre2.pcre2_match_context_create_8(0);
        if (_context == 0)
            throw new InvalidOperationException("libpcre2 has no memory for a match");
        _ = Pcre2.pcre2_jit_compile_8(code, Pcre2.PCRE2_JIT_COMPLETE); // where it may not, matching interprets
        _ = Pcre2.pcre2_set_match_limit_8(_context, MostSteps);
        _ = Pcre2.pcre2_set_depth_limit_8(_context, MostSteps);
        _ = Pcre2.pcre2_set_heap_limit_8(_context, MostKibibytes);
        uint groups;
        _ = Pcre2.pcre2_pattern_info_8(code, Pcre2.PCRE2_INFO_CAPTURECOUNT, &groups);
        GroupCount = (int)groups;
    }

    ~PcrePattern()
    {
        Pcre2.pcre2_match_context_free_8(_context);
        Pcre2.pcre2_match_data_free_8(_spareData);
        Pcre2.pcre2_code_free_8(_code);
    }

    public int GroupCount { get; }

    public bool MayTakeLong => false;

    public bool IsMatch(ReadOnlySpan<byte> subject, Span<int> ends, out string? problem)
    {
        var data = Interlocked.Exchange(ref _spareData, 0) is not 0 and var spare ? spare : NewData(); // two threads may search at once
        var count = Run(subject, 0, data);
        if (count == Pcre2.PCRE2_ERROR_JIT_STACKLIMIT)
            count = Run(subject, Pcre2.PCRE2_NO_JIT, data); // the interpreter has more room
        problem = count is < 0 and not Pcre2.PCRE2_ERROR_NOMATCH ? Pcre2.Text(count) : null;
        if (count >= 0)
        {
            var offsets = Pcre2.pcre2_get_ovector_pointer_8(data);
            for (var i = 0; i < ends.Length; i++)
                ends[i] = (i / 2) + 1 < count ? (int)offsets[i + 2] : -1;
        }

        if (Interlocked.CompareExchange(ref _spareData, data, 0) != 0)
            Pcre2.pcre2_match_data_free_8(data);
        GC.KeepAlive(this);
        return count >= 0;
    }

    private nint NewData() => Pcre2.pcre2_match_data_create_from_pattern_8(_code, 0) is not 0 and var data
        ? data
        : throw new InvalidOperationException("libpcre2 has no memory for a match");

    private int Run(ReadOnlySpan<byte> subject, uint options, nint data)
    {
        fixed (byte* start = subject)
        {
            var nothing = (byte)0;
            return Pcre2.pcre2_match_8(_code, start == null ? &nothing : start, (nuint)subject.Length, 0, options, data, _context);
        }
    }
}
