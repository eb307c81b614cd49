namespace Postern.Logging;

/// <summary>syslog's classic time stamp: <c>Nov  4 02:27:00</c>, RFC 3164 section 4.1.2.</summary>
internal static class TimeStamp
{
    /// <summary>Bytes that <see cref="Write"/> fills.</summary>
    public const int Length = 15;

    private static ReadOnlySpan<byte> Months => "JanFebMarAprMayJunJulAugSepOctNovDec"u8;

    public static void Write(Span<byte> destination, DateTime local)
    {
        Months.Slice((local.Month - 1) * 3, 3).CopyTo(destination);
        destination[3] = (byte)' ';
        TwoDigits(destination[4..], local.Day);
        if (local.Day < 10)
            destination[4] = (byte)' ';
        destination[6] = (byte)' ';
        TwoDigits(destination[7..], local.Hour);
        destination[9] = (byte)':';
        TwoDigits(destination[10..], local.Minute);
        destination[12] = (byte)':';
        TwoDigits(destination[13..], local.Second);
    }

    private static void TwoDigits(Span<byte> destination, int value)
    {
        destination[0] = (byte)('0' + value / 10);
        destination[1] = (byte)('0' + value % 10);
    }
}
