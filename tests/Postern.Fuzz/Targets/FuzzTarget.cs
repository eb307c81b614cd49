namespace Postern.Fuzz.Targets;

/// <summary>Code under test and what is known about its input.</summary>
/// <param name="Name">Also the name of its folder in the corpus.</param>
/// <param name="Run">Takes one input; any exception is a finding.</param>
/// <param name="MaxInput">Longest input, in bytes; what is longer is cut.</param>
/// <param name="MaxAllocated">What one run may allocate, in bytes: for an empty input, and more for each byte of input.</param>
/// <param name="Dictionary">Words of the language, which mutations insert.</param>
public sealed record FuzzTarget(
    string Name, Action<byte[]> Run, int MaxInput, (long Base, long PerByte) MaxAllocated, IReadOnlyList<string> Dictionary)
{
    /// <summary>Every target, in alphabetical order.</summary>
    public static readonly IReadOnlyList<FuzzTarget> All =
    [
        CacheRecordTarget.Target,
        CidrTableTarget.Target,
        DnsblSitesTarget.Target,
        LineReaderTarget.Target,
        MainCfTarget.Target,
        ProxyHeaderTarget.Target,
        RejectFooterTarget.Target,
        SessionTarget.Target,
    ];

    /// <summary>Runs one input and checks what it cost.</summary>
    public void Check(byte[] input)
    {
        var before = GC.GetAllocatedBytesForCurrentThread();
        Run(input);
        var allocated = GC.GetAllocatedBytesForCurrentThread() - before;
        var bound = MaxAllocated.Base + MaxAllocated.PerByte * input.Length;
        FuzzFailure.Unless(allocated <= bound, $"{input.Length} bytes of input made it allocate {allocated} bytes, more than {bound}");
    }
}
