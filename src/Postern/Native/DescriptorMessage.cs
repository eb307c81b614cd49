namespace Postern.Native;

/// <summary>A message on a UNIX socket that has a descriptor with it (SCM_RIGHTS, unix(7)).</summary>
internal static unsafe class DescriptorMessage
{
    /// <summary>Sends it; whether that waits is the channel's business.</summary>
    /// <param name="channel">A UNIX socket.</param>
    /// <param name="descriptor">What the other side gets a copy of; stays the caller's to close.</param>
    /// <param name="bytes">At least one, which carry the descriptor.</param>
    /// <returns>False: see <see cref="Errno.Last"/>.</returns>
    public static bool Send(int channel, int descriptor, ReadOnlySpan<byte> bytes)
    {
        var control = stackalloc byte[ControlHeader.SpaceOfDescriptor];
        new Span<byte>(control, ControlHeader.SpaceOfDescriptor).Clear();
        *(ControlHeader*)control = new ControlHeader { Length = ControlHeader.LengthOfDescriptor, Level = Libc.SOL_SOCKET, Type = Libc.SCM_RIGHTS };
        *(int*)(control + sizeof(ControlHeader)) = descriptor;
        fixed (byte* data = bytes)
        {
            var vector = new IoVector { Data = data, Length = (nuint)bytes.Length };
            var header = new MessageHeader
            {
                Vectors = &vector,
                VectorCount = 1,
                Control = control,
                ControlLength = ControlHeader.SpaceOfDescriptor,
            };
            return Libc.sendmsg(channel, &header, Libc.MSG_NOSIGNAL) == bytes.Length;
        }
    }
}
